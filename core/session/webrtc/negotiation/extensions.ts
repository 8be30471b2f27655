/** RTP header extensions Monoport takes, by direction. @module */
import type { Direction, Extension, MediaDescription } from "../../../wire/sdp/mod.ts";
import type { NegotiatedExtension } from "./types.ts";

const SDES = "urn:ietf:params:rtp-hdrext:sdes:";
const HDREXT = "urn:ietf:params:rtp-hdrext:";
const WEBRTC = "http://www.webrtc.org/experiments/rtp-hdrext/";

/** RFC 9143 §15. */
export const MID_URI: string = `${SDES}mid`;
/** RFC 8852 §4.1. */
export const RID_URI: string = `${SDES}rtp-stream-id`;
/** RFC 8852 §4.2. */
export const REPAIRED_RID_URI: string = `${SDES}repaired-rtp-stream-id`;
/** draft-holmer-rmcat-transport-wide-cc-extensions-01. */
export const TRANSPORT_CC_URI: string =
  "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
export const ABS_SEND_TIME_URI: string = `${WEBRTC}abs-send-time`;
/** RFC 6464. */
export const AUDIO_LEVEL_URI: string = `${HDREXT}ssrc-audio-level`;
/** 3GPP TS 26.114 §7.4.5: rotation of the picture. */
export const VIDEO_ORIENTATION_URI: string = "urn:3gpp:video-orientation";
export const PLAYOUT_DELAY_URI: string = `${WEBRTC}playout-delay`;
export const VIDEO_CONTENT_TYPE_URI: string = `${WEBRTC}video-content-type`;
export const VIDEO_TIMING_URI: string = `${WEBRTC}video-timing`;
export const COLOR_SPACE_URI: string = `${WEBRTC}color-space`;
export const ABS_CAPTURE_TIME_URI: string = `${WEBRTC}abs-capture-time`;
/** AV1 RTP specification, appendix A. */
export const DEPENDENCY_DESCRIPTOR_URI: string =
  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/** What describes the media itself and so goes on to viewers as it came. */
const TO_VIEWERS: readonly string[] = [
  MID_URI,
  TRANSPORT_CC_URI,
  AUDIO_LEVEL_URI,
  VIDEO_ORIENTATION_URI,
  PLAYOUT_DELAY_URI,
  COLOR_SPACE_URI,
  ABS_CAPTURE_TIME_URI,
  DEPENDENCY_DESCRIPTOR_URI,
];

const FROM_PUBLISHERS: readonly string[] = [
  ...TO_VIEWERS,
  RID_URI,
  REPAIRED_RID_URI,
  ABS_SEND_TIME_URI,
  VIDEO_CONTENT_TYPE_URI,
  VIDEO_TIMING_URI,
];

/**
 * Ids that fit the one-byte header (RFC 8285 §4.2); browsers give away no others while these last.
 */
const MAX_ID = 14;

/** The extensions taken of a line whose answer will be `direction`. */
export function takenExtensions(
  media: MediaDescription,
  direction: "recvonly" | "sendonly",
): NegotiatedExtension[] {
  const uris = direction === "recvonly" ? FROM_PUBLISHERS : TO_VIEWERS;
  const withFeedback = media.codecs.some(({ feedback }) => feedback.includes("transport-cc"));
  const seen = new Set<string>();
  return media.extensions
    .filter(({ id, uri, direction: offered }) => {
      if (id > MAX_ID || !uris.includes(uri) || seen.has(uri)) return false;
      if (!flows(offered, direction)) return false;
      if (uri === TRANSPORT_CC_URI && !withFeedback) return false;
      seen.add(uri);
      return true;
    })
    .map(({ id, uri }) => ({ id, uri }));
}

/** Whether an `a=extmap` with a direction of its own allows the one we need (RFC 8285 §8). */
function flows(offered: Direction | undefined, ours: "recvonly" | "sendonly"): boolean {
  if (offered === undefined || offered === "sendrecv") return true;
  return offered === (ours === "recvonly" ? "sendonly" : "recvonly");
}

/** The lines of the answer: ids as offered, and a direction where the offer gave one. */
export function answeredExtensions(
  media: MediaDescription,
  taken: readonly NegotiatedExtension[],
  direction: "recvonly" | "sendonly",
): Extension[] {
  return taken.map(({ id, uri }) => {
    const offered = media.extensions.find((extension) => extension.id === id);
    return { id, uri, direction: offered?.direction === undefined ? undefined : direction };
  });
}

export function extensionId(
  taken: readonly NegotiatedExtension[],
  uri: string,
): number | undefined {
  return taken.find((extension) => extension.uri === uri)?.id;
}
