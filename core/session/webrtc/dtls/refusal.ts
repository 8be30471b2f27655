import { Fault } from "../../../base/mod.ts";
import { AlertDescription } from "../../../wire/dtls/mod.ts";

const LAYER = "core/session/webrtc/dtls";

/** Why a handshake cannot go on, and the alert that says so. */
export class Refusal {
  readonly fault: Fault;
  /** An `AlertDescription`. */
  readonly alert: number;

  constructor(fault: Fault, alert: number) {
    this.fault = fault;
    this.alert = alert;
    Object.freeze(this);
  }
}

/** Bytes that no decoder takes. */
export function malformed(fault: Fault): Refusal {
  return new Refusal(fault, AlertDescription.decode_error);
}

function refusal(code: string, spec: string, alert: number): Refusal {
  return new Refusal(new Fault(LAYER, code, spec), alert);
}

export const UNEXPECTED_MESSAGE: Refusal = refusal(
  "unexpected-message",
  "RFC 5246 §7.3",
  AlertDescription.unexpected_message,
);
export const WRONG_EPOCH: Refusal = refusal(
  "message-in-wrong-epoch",
  "RFC 5246 §7.4.9",
  AlertDescription.unexpected_message,
);
export const MESSAGE_TOO_LONG: Refusal = refusal(
  "message-too-long",
  "RFC 6347 §4.2.3",
  AlertDescription.illegal_parameter,
);
export const VERSION_NOT_SUPPORTED: Refusal = refusal(
  "version-not-supported",
  "RFC 6347 §4.2.1",
  AlertDescription.protocol_version,
);
export const COMPRESSION: Refusal = refusal(
  "compression-not-null",
  "RFC 5246 §7.4.1.2",
  AlertDescription.illegal_parameter,
);
export const NO_COMMON_SUITE: Refusal = refusal(
  "no-common-cipher-suite",
  "RFC 5246 §7.4.1.3",
  AlertDescription.handshake_failure,
);
export const NO_COMMON_GROUP: Refusal = refusal(
  "no-common-group",
  "RFC 8422 §4",
  AlertDescription.handshake_failure,
);
export const NO_COMMON_SIGNATURE: Refusal = refusal(
  "no-common-signature-algorithm",
  "RFC 5246 §7.4.1.4.1",
  AlertDescription.handshake_failure,
);
export const NO_COMMON_PROFILE: Refusal = refusal(
  "no-common-srtp-profile",
  "RFC 5764 §4.1.1",
  AlertDescription.handshake_failure,
);
export const POINT_FORMAT: Refusal = refusal(
  "no-uncompressed-points",
  "RFC 8422 §5.1.2",
  AlertDescription.illegal_parameter,
);
export const RENEGOTIATION_INFO: Refusal = refusal(
  "renegotiation-info-not-empty",
  "RFC 5746 §3.6",
  AlertDescription.handshake_failure,
);
export const NOT_OFFERED: Refusal = refusal(
  "answer-not-offered",
  "RFC 5246 §7.4.1.3",
  AlertDescription.illegal_parameter,
);
export const EXTENSION_NOT_OFFERED: Refusal = refusal(
  "extension-not-offered",
  "RFC 5246 §7.4.1.4",
  AlertDescription.unsupported_extension,
);
export const TOO_MANY_COOKIES: Refusal = refusal(
  "too-many-hello-verify-requests",
  "RFC 6347 §4.2.1",
  AlertDescription.handshake_failure,
);
export const NO_CERTIFICATE: Refusal = refusal(
  "no-certificate",
  "RFC 5246 §7.4.6",
  AlertDescription.handshake_failure,
);
export const FINGERPRINT_MISMATCH: Refusal = refusal(
  "fingerprint-mismatch",
  "RFC 8122 §6.2",
  AlertDescription.bad_certificate,
);
export const CERTIFICATE_UNREADABLE: Refusal = refusal(
  "certificate-unreadable",
  "RFC 5246 §7.2.2",
  AlertDescription.bad_certificate,
);
export const KEY_NOT_SUPPORTED: Refusal = refusal(
  "certificate-key-not-supported",
  "RFC 8422 §5.3",
  AlertDescription.unsupported_certificate,
);
export const BAD_PUBLIC_KEY: Refusal = refusal(
  "bad-ecdh-public-key",
  "RFC 8422 §5.11",
  AlertDescription.illegal_parameter,
);
export const SCHEME_NOT_OFFERED: Refusal = refusal(
  "signature-scheme-not-offered",
  "RFC 5246 §7.4.8",
  AlertDescription.illegal_parameter,
);
export const DECRYPT_ERROR: Refusal = refusal(
  "signature-wrong",
  "RFC 5246 §7.4.8",
  AlertDescription.decrypt_error,
);
export const FINISHED_WRONG: Refusal = refusal(
  "finished-wrong",
  "RFC 5246 §7.4.9",
  AlertDescription.decrypt_error,
);

/** These end a session without a refusal of ours. */
export const HANDSHAKE_TIMEOUT: Fault = new Fault(LAYER, "handshake-timeout", "RFC 6347 §4.2.4");
export const PEER_ALERT: Fault = new Fault(LAYER, "peer-alert", "RFC 5246 §7.2.2");
export const SEQUENCE_EXHAUSTED: Fault = new Fault(LAYER, "sequence-exhausted", "RFC 6347 §4.1");
