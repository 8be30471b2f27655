/** What can be wrong with a session description, and where. @module */
import { Fault } from "../../base/mod.ts";

const LAYER = "core/wire/sdp";

export const TOO_LONG: Fault = new Fault(LAYER, "description-too-long", "RFC 9725 §5");
export const LINE_TOO_LONG: Fault = new Fault(LAYER, "line-too-long", "RFC 8866 §5");
export const TOO_MANY: Fault = new Fault(LAYER, "too-many-lines-of-a-kind", "RFC 8866 §5");
export const NOT_A_LINE: Fault = new Fault(LAYER, "line-is-not-type-equals-value", "RFC 8866 §5");
export const CONTROL_CHARACTER: Fault = new Fault(LAYER, "control-character", "RFC 8866 §9");
export const UNKNOWN_TYPE: Fault = new Fault(LAYER, "unknown-line-type", "RFC 8866 §5");
export const OUT_OF_ORDER: Fault = new Fault(LAYER, "line-out-of-order", "RFC 8866 §5");
export const NO_VERSION: Fault = new Fault(LAYER, "no-v-line", "RFC 8866 §5.1");
export const NO_ORIGIN: Fault = new Fault(LAYER, "no-o-line", "RFC 8866 §5.2");
export const NO_NAME: Fault = new Fault(LAYER, "no-s-line", "RFC 8866 §5.3");
export const NO_TIME: Fault = new Fault(LAYER, "no-t-line", "RFC 8866 §5.9");
export const BAD_VERSION: Fault = new Fault(LAYER, "bad-version", "RFC 8866 §5.1");
export const BAD_ORIGIN: Fault = new Fault(LAYER, "bad-origin", "RFC 8866 §5.2");
export const BAD_TIME: Fault = new Fault(LAYER, "bad-time", "RFC 8866 §5.9");
export const BAD_CONNECTION: Fault = new Fault(LAYER, "bad-connection", "RFC 8866 §5.7");
export const BAD_BANDWIDTH: Fault = new Fault(LAYER, "bad-bandwidth", "RFC 8866 §5.8");
export const BAD_MEDIA: Fault = new Fault(LAYER, "bad-media-line", "RFC 8866 §5.14");
export const BAD_PAYLOAD_TYPE: Fault = new Fault(LAYER, "bad-payload-type", "RFC 8866 §5.14");
export const BAD_MID: Fault = new Fault(LAYER, "bad-mid", "RFC 5888 §4");
export const DUPLICATE_MID: Fault = new Fault(LAYER, "duplicate-mid", "RFC 5888 §4");
export const BAD_GROUP: Fault = new Fault(LAYER, "bad-group", "RFC 5888 §5");
export const UNKNOWN_MID: Fault = new Fault(LAYER, "group-names-unknown-mid", "RFC 9143 §7");
export const BAD_RTPMAP: Fault = new Fault(LAYER, "bad-rtpmap", "RFC 8866 §6.6");
export const BAD_FMTP: Fault = new Fault(LAYER, "bad-fmtp", "RFC 8866 §6.15");
export const BAD_FEEDBACK: Fault = new Fault(LAYER, "bad-rtcp-fb", "RFC 4585 §4.2");
export const BAD_PTIME: Fault = new Fault(LAYER, "bad-ptime", "RFC 8866 §6.4");
export const BAD_EXTMAP: Fault = new Fault(LAYER, "bad-extmap", "RFC 8285 §8");
export const DUPLICATE_EXTMAP: Fault = new Fault(LAYER, "duplicate-extmap-id", "RFC 8285 §5");
export const BAD_SSRC: Fault = new Fault(LAYER, "bad-ssrc", "RFC 5576 §4.1");
export const BAD_SSRC_GROUP: Fault = new Fault(LAYER, "bad-ssrc-group", "RFC 5576 §4.2");
export const BAD_MSID: Fault = new Fault(LAYER, "bad-msid", "RFC 8830 §2");
export const BAD_RID: Fault = new Fault(LAYER, "bad-rid", "RFC 8851 §10");
export const BAD_SIMULCAST: Fault = new Fault(LAYER, "bad-simulcast", "RFC 8853 §5.1");
export const BAD_SETUP: Fault = new Fault(LAYER, "bad-setup", "RFC 4145 §4");
export const BAD_FINGERPRINT: Fault = new Fault(LAYER, "bad-fingerprint", "RFC 8122 §5");
export const BAD_UFRAG: Fault = new Fault(
  LAYER,
  "ice-ufrag-is-not-4-to-256-ice-chars",
  "RFC 8839 §5.4",
);
export const BAD_PWD: Fault = new Fault(
  LAYER,
  "ice-pwd-is-not-22-to-256-ice-chars",
  "RFC 8839 §5.4",
);
export const HALF_CREDENTIALS: Fault = new Fault(
  LAYER,
  "ice-ufrag-and-ice-pwd-come-together",
  "RFC 8840 §4.4",
);
export const TWO_CREDENTIALS: Fault = new Fault(
  LAYER,
  "sections-of-two-ice-sessions",
  "RFC 8840 §4.4",
);
export const EMPTY_FRAGMENT: Fault = new Fault(LAYER, "empty-fragment", "RFC 8840 §9.2");
export const NOT_IN_FRAGMENT: Fault = new Fault(LAYER, "line-is-neither-a-nor-m", "RFC 8840 §9.2");
export const BAD_CANDIDATE: Fault = new Fault(LAYER, "bad-candidate", "RFC 8839 §5.1");

/** How much of a wrong line is shown to whoever sent it. */
const MAX_QUOTED = 120;

/** A fault with the line it was found on. */
export class SdpFault {
  readonly fault: Fault;
  /** From 1; 0 when the description as a whole is meant. */
  readonly line: number;
  /** That line, cut short, without control characters. */
  readonly text: string;

  constructor(fault: Fault, line: number, text: string) {
    this.fault = fault;
    this.line = line;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
    this.text = text.slice(0, MAX_QUOTED).replace(/[\u0000-\u001f\u007f]/g, "?");
    Object.freeze(this);
  }

  /** One sentence for the peer: `line 7: bad-setup (RFC 4145 §4): "a=setup:maybe"`. */
  get message(): string {
    const what = `${this.fault.code.replaceAll("-", " ")} (${this.fault.spec})`;
    if (this.line === 0) return what;
    return `line ${this.line}: ${what}: "${this.text}"`;
  }
}

export function isSdpFault(value: unknown): value is SdpFault {
  return value instanceof SdpFault;
}
