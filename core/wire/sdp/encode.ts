/**
 * `SessionDescription` to text, CRLF lines, in the order browsers write them. Everything is written
 * at media level except what only the session level has. The caller vouches for the values: those
 * that came out of `decodeSdp` carry no line ends.
 *
 * @module
 */
import { encodeCandidate } from "./candidate.ts";
import type { Codec, MediaDescription, SessionDescription } from "./description.ts";

export function encodeSdp(description: SessionDescription): string {
  const { origin } = description;
  const lines = [
    "v=0",
    `o=${origin.username} ${origin.sessionId} ${origin.sessionVersion} IN ${origin.addressType} ${origin.address}`,
    `s=${description.name}`,
  ];
  if (description.information !== undefined) lines.push(`i=${description.information}`);
  lines.push("t=0 0");
  if (description.iceLite) lines.push("a=ice-lite");
  for (const group of description.groups) {
    lines.push(`a=group:${[group.semantics, ...group.mids].join(" ")}`);
  }
  if (description.extmapAllowMixed) lines.push("a=extmap-allow-mixed");
  if (description.msidSemantic !== undefined) {
    lines.push(`a=msid-semantic: ${description.msidSemantic}`);
  }
  for (const media of description.media) putMedia(lines, media);
  return `${lines.join("\r\n")}\r\n`;
}

function putMedia(lines: string[], media: MediaDescription): void {
  lines.push(`m=${media.kind} ${media.port} ${media.protocol} ${media.formats.join(" ")}`);
  if (media.connection !== undefined) {
    lines.push(`c=IN ${media.connection.addressType} ${media.connection.address}`);
  }
  for (const { type, value } of media.bandwidths) lines.push(`b=${type}:${value}`);
  // Nobody needs it beside rtcp-mux, yet browsers write it and some peers look for it (RFC 3605).
  if (media.rtcpMux && media.port !== 0) lines.push("a=rtcp:9 IN IP4 0.0.0.0");
  putTransport(lines, media);
  if (media.mid !== undefined) lines.push(`a=mid:${media.mid}`);
  for (const { id, direction, uri } of media.extensions) {
    lines.push(`a=extmap:${id}${direction === undefined ? "" : `/${direction}`} ${uri}`);
  }
  if (media.extmapAllowMixed) lines.push("a=extmap-allow-mixed");
  lines.push(`a=${media.direction}`);
  for (const msid of media.msids) lines.push(`a=msid:${msid}`);
  if (media.rtcpMux) lines.push("a=rtcp-mux");
  if (media.rtcpMuxOnly) lines.push("a=rtcp-mux-only");
  if (media.rtcpRsize) lines.push("a=rtcp-rsize");
  for (const codec of media.codecs) putCodec(lines, codec);
  if (media.ptime !== undefined) lines.push(`a=ptime:${media.ptime}`);
  if (media.maxptime !== undefined) lines.push(`a=maxptime:${media.maxptime}`);
  putSources(lines, media);
}

function putTransport(lines: string[], media: MediaDescription): void {
  for (const candidate of media.candidates) lines.push(`a=${encodeCandidate(candidate)}`);
  if (media.endOfCandidates) lines.push("a=end-of-candidates");
  if (media.bundleOnly) lines.push("a=bundle-only");
  if (media.iceUfrag !== undefined) lines.push(`a=ice-ufrag:${media.iceUfrag}`);
  if (media.icePwd !== undefined) lines.push(`a=ice-pwd:${media.icePwd}`);
  if (media.iceOptions.length > 0) lines.push(`a=ice-options:${media.iceOptions.join(" ")}`);
  for (const { algorithm, value } of media.fingerprints) {
    lines.push(`a=fingerprint:${algorithm} ${value}`);
  }
  if (media.setup !== undefined) lines.push(`a=setup:${media.setup}`);
}

function putCodec(lines: string[], codec: Codec): void {
  const channels = codec.channels > 1 ? `/${codec.channels}` : "";
  lines.push(`a=rtpmap:${codec.payloadType} ${codec.name}/${codec.clockRate}${channels}`);
  for (const feedback of codec.feedback) lines.push(`a=rtcp-fb:${codec.payloadType} ${feedback}`);
  if (codec.parameters !== "") lines.push(`a=fmtp:${codec.payloadType} ${codec.parameters}`);
}

function putSources(lines: string[], media: MediaDescription): void {
  for (const { id, direction, restrictions } of media.rids) {
    lines.push(`a=rid:${id} ${direction}${restrictions === "" ? "" : ` ${restrictions}`}`);
  }
  if (media.simulcast !== undefined) {
    const { send, recv } = media.simulcast;
    const sending = send.length > 0 ? [`send ${send.join(";")}`] : [];
    const receiving = recv.length > 0 ? [`recv ${recv.join(";")}`] : [];
    lines.push(`a=simulcast:${[...sending, ...receiving].join(" ")}`);
  }
  for (const { semantics, ssrcs } of media.sourceGroups) {
    lines.push(`a=ssrc-group:${[semantics, ...ssrcs].join(" ")}`);
  }
  for (const { ssrc, cname, msid } of media.sources) {
    if (cname !== undefined) lines.push(`a=ssrc:${ssrc} cname:${cname}`);
    if (msid !== undefined) lines.push(`a=ssrc:${ssrc} msid:${msid}`);
  }
}
