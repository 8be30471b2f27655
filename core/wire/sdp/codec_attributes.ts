/**
 * `a=rtpmap`, `a=fmtp` and `a=rtcp-fb`. A line about a payload type that is not on the `m=` line is
 * passed over: Firefox leaves such `a=rtcp-fb` lines behind after `setCodecPreferences`.
 *
 * @module
 */
import type { Fault } from "../../base/mod.ts";
import { isRtp } from "./description.ts";
import { BAD_FEEDBACK, BAD_FMTP, BAD_RTPMAP, TOO_MANY } from "./faults.ts";
import { fields, halves, integer, isToken } from "./grammar.ts";
import type { Section } from "./section.ts";

/** `a=rtcp-fb` lines taken per payload type. */
const MAX_FEEDBACK = 32;

/** `a=rtpmap:PT NAME/CLOCK[/CHANNELS]` (RFC 8866 §6.6). */
export function rtpmap(section: Section, value: string): Fault | undefined {
  const [payloadType, encoding, more] = fields(value);
  const codec = integer(payloadType ?? "", 127);
  if (codec < 0 || encoding === undefined || more !== undefined) return BAD_RTPMAP;
  const [name, rate, channels, tail] = encoding.split("/");
  const clockRate = integer(rate ?? "", 0xffff_ffff);
  const count = channels === undefined ? 1 : integer(channels, 255);
  if (name === undefined || !isToken(name) || clockRate < 1 || count < 1 || tail !== undefined) {
    return BAD_RTPMAP;
  }
  const draft = section.codecs.get(codec);
  if (draft !== undefined) {
    draft.name = name;
    draft.clockRate = clockRate;
    draft.channels = count;
  }
  return undefined;
}

/** `a=fmtp:PT PARAMETERS` (RFC 8866 §6.15). */
export function fmtp(section: Section, value: string): Fault | undefined {
  if (!isRtp(section.protocol)) return undefined;
  const [payloadType, parameters] = halves(value, " ");
  const codec = integer(payloadType, 127);
  const text = parameters.trim();
  if (codec < 0 || text === "") return BAD_FMTP;
  const draft = section.codecs.get(codec);
  if (draft !== undefined) draft.parameters = text;
  return undefined;
}

/** `a=rtcp-fb:PT|* FEEDBACK` (RFC 4585 §4.2). */
export function rtcpFb(section: Section, value: string): Fault | undefined {
  const [payloadType, ...words] = fields(value);
  const feedback = words.join(" ");
  if (feedback === "") return BAD_FEEDBACK;
  if (payloadType === "*") {
    if (section.feedbackOfAll.length >= MAX_FEEDBACK) return TOO_MANY;
    section.feedbackOfAll.push(feedback);
    return undefined;
  }
  const codec = integer(payloadType ?? "", 127);
  if (codec < 0) return BAD_FEEDBACK;
  const draft = section.codecs.get(codec);
  if (draft === undefined) return undefined;
  if (draft.feedback.length >= MAX_FEEDBACK) return TOO_MANY;
  draft.feedback.push(feedback);
  return undefined;
}
