/** Small descriptions, good and wrong. @module */
import assert from "node:assert/strict";
import {
  decodeSdp,
  isSdpFault,
  type SdpFault,
  type SessionDescription,
} from "../../../../core/wire/sdp/mod.ts";

export const FINGERPRINT: string = Array(32).fill("0F").join(":");

/** One good offer; `lines` go to the end of its only section. */
export function offer(...lines: string[]): string {
  return [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
    "a=mid:0",
    ...lines,
    "",
  ].join("\r\n");
}

export function decoded(sdp: string | Uint8Array): SessionDescription {
  const description = decodeSdp(sdp);
  if (isSdpFault(description)) assert.fail(description.message);
  return description;
}

export function fault(sdp: string | Uint8Array): SdpFault {
  const description = decodeSdp(sdp);
  if (!isSdpFault(description)) assert.fail("no fault");
  return description;
}

/** A wrong line at the end of the section, its code, and nothing else wrong. */
export const WRONG_LINES: readonly (readonly [string, string])[] = [
  ["a", "line-is-not-type-equals-value"],
  ["A=mid:1", "line-is-not-type-equals-value"],
  [" a=mid:1", "line-is-not-type-equals-value"],
  ["", "line-is-not-type-equals-value"],
  ["x=1", "unknown-line-type"],
  ["v=0", "line-out-of-order"],
  ["t=0 0", "line-out-of-order"],
  ["s=again", "line-out-of-order"],
  ["a=tool:\u0000", "control-character"],
  ["a=tool:\u001b[31m", "control-character"],
  ["a=fmtp:96 a=1\ra=fmtp:96 b=1", "control-character"],
  ["m=audio", "bad-media-line"],
  ["m=audio 65536 RTP/SAVPF 0", "bad-media-line"],
  ["m=audio -1 RTP/SAVPF 0", "bad-media-line"],
  ["m=audio 9/0 RTP/SAVPF 0", "bad-media-line"],
  ["m=audio 9 RTP/SAVPF", "bad-media-line"],
  ["m=au/dio 9 RTP/SAVPF 0", "bad-media-line"],
  ["m=audio 9 RTP//SAVPF 0", "bad-media-line"],
  ["m=audio 9 RTP/SAVPF 128", "bad-payload-type"],
  ["m=audio 9 RTP/SAVPF opus", "bad-payload-type"],
  ["m=audio 9 RTP/SAVPF 0 8 0", "bad-payload-type"],
  ["c=IN IP5 1.2.3.4", "bad-connection"],
  ["c=IN IP4", "bad-connection"],
  ["b=AS", "bad-bandwidth"],
  ["b=AS:fast", "bad-bandwidth"],
  ["b=AS:-1", "bad-bandwidth"],
  ["a=mid:1", "bad-mid"],
  ["a=rtpmap:96 VP8", "bad-rtpmap"],
  ["a=rtpmap:96 VP8/0", "bad-rtpmap"],
  ["a=rtpmap:96 VP8/90000/2/3", "bad-rtpmap"],
  ["a=rtpmap:x VP8/90000", "bad-rtpmap"],
  ["a=rtpmap:96 VP 8/90000", "bad-rtpmap"],
  ["a=rtpmap:96 opus/48000/0", "bad-rtpmap"],
  ["a=fmtp:96", "bad-fmtp"],
  ["a=fmtp:ninety a=1", "bad-fmtp"],
  ["a=rtcp-fb:96", "bad-rtcp-fb"],
  ["a=rtcp-fb:x nack", "bad-rtcp-fb"],
  ["a=ptime:fast", "bad-ptime"],
  ["a=maxptime:-20", "bad-ptime"],
  ["a=extmap:0 urn:x", "bad-extmap"],
  ["a=extmap:256 urn:x", "bad-extmap"],
  ["a=extmap:4352 urn:x", "bad-extmap"],
  ["a=extmap:1", "bad-extmap"],
  ["a=extmap:1/maybe urn:x", "bad-extmap"],
  ["a=ssrc:4294967296 cname:x", "bad-ssrc"],
  ["a=ssrc:-1 cname:x", "bad-ssrc"],
  ["a=ssrc: cname:x", "bad-ssrc"],
  ["a=ssrc-group:FID 1 x", "bad-ssrc-group"],
  ["a=ssrc-group:", "bad-ssrc-group"],
  ["a=msid:", "bad-msid"],
  ["a=msid:a b c", "bad-msid"],
  ["a=rid:q both", "bad-rid"],
  ["a=rid:q! send", "bad-rid"],
  ["a=simulcast:send", "bad-simulcast"],
  ["a=simulcast:send q;;f", "bad-simulcast"],
  ["a=simulcast:send q send h", "bad-simulcast"],
  ["a=setup:maybe", "bad-setup"],
  ["a=fingerprint:sha-256", "bad-fingerprint"],
  [`a=fingerprint:sha-1 ${FINGERPRINT}`, "bad-fingerprint"],
  [`a=fingerprint:sha-256 ${FINGERPRINT}:00`, "bad-fingerprint"],
  [`a=fingerprint:sha-256 ${FINGERPRINT.replaceAll(":", "-")}`, "bad-fingerprint"],
  [`a=fingerprint:sha-256 ${FINGERPRINT.replace("0F", "0G")}`, "bad-fingerprint"],
  ["a=ice-ufrag:abc", "ice-ufrag-is-not-4-to-256-ice-chars"],
  [`a=ice-ufrag:${"a".repeat(257)}`, "ice-ufrag-is-not-4-to-256-ice-chars"],
  ["a=ice-ufrag:ab:cd", "ice-ufrag-is-not-4-to-256-ice-chars"],
  ["a=ice-pwd:012345678901234567890", "ice-pwd-is-not-22-to-256-ice-chars"],
  [`a=ice-pwd:${"a".repeat(257)}`, "ice-pwd-is-not-22-to-256-ice-chars"],
  ["a=ice-pwd:0123456789012345678901-", "ice-pwd-is-not-22-to-256-ice-chars"],
  ["a=candidate:1 1 udp 1 192.0.2.1 9", "bad-candidate"],
  ["a=candidate:1 0 udp 1 192.0.2.1 9 typ host", "bad-candidate"],
  ["a=candidate:1 1 udp 4294967296 192.0.2.1 9 typ host", "bad-candidate"],
  ["a=candidate:1 1 udp 1 192.0.2.1 65536 typ host", "bad-candidate"],
];
