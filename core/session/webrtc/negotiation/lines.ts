/** What publishing and playing judge alike about a line. @module */
import type { MediaKind } from "../../../media/mod.ts";
import type { MediaDescription } from "../../../wire/sdp/mod.ts";
import { takenCodecs, takenRed } from "./codecs.ts";
import {
  extensionId,
  MID_URI,
  REPAIRED_RID_URI,
  RID_URI,
  TRANSPORT_CC_URI,
  takenExtensions,
} from "./extensions.ts";
import { simulcastSsrcs, takenRids } from "./simulcast.ts";
import {
  type LocalParameters,
  type NegotiatedCodec,
  type NegotiatedExtension,
  type NegotiatedMedia,
  type NegotiatedSource,
  Refusal,
} from "./types.ts";
import { codecNames, lineName } from "./words.ts";

/** `RTP/SAVPF` is what old WebRTC offers say and mean DTLS by (RFC 8829 §5.1.3). */
const DTLS_SRTP: readonly string[] = [
  "UDP/TLS/RTP/SAVPF",
  "UDP/TLS/RTP/SAVP",
  "TCP/DTLS/RTP/SAVPF",
  "TCP/DTLS/RTP/SAVP",
  "TCP/TLS/RTP/SAVPF",
  "TCP/TLS/RTP/SAVP",
  "RTP/SAVPF",
  "RTP/SAVP",
];

/** A refusal that names the line: `Line 12, m-line 1 (video, mid 0), has ...`. */
export function refuseLine(
  status: 406 | 422,
  code: string,
  media: MediaDescription,
  index: number,
  problem: string,
): Refusal {
  return new Refusal(
    status,
    code,
    `Line ${media.line}, ${lineName(media, index)}, ${problem}`,
    media.line,
  );
}

/** Everything two sides have in common on a line, in the offer's order. */
export function commonGround(
  offered: MediaDescription,
  index: number,
  direction: "recvonly" | "sendonly",
  local: LocalParameters,
): NegotiatedMedia | Refusal {
  const media = withoutFeedback(offered, local.declinedFeedback ?? []);
  if (!DTLS_SRTP.includes(media.protocol)) {
    return refuseLine(
      422,
      "not-dtls-srtp",
      media,
      index,
      `is ${media.protocol}; it must be UDP/TLS/RTP/SAVPF`,
    );
  }
  const extensions = takenExtensions(media, direction);
  const transportCcId = extensionId(extensions, TRANSPORT_CC_URI);
  const codecs = takenCodecs(media, transportCcId !== undefined);
  if (codecs.length === 0) {
    const taken = media.kind === "audio" ? "opus, PCMU, PCMA" : "H264, H265, VP8, VP9, AV1";
    return refuseLine(
      422,
      "no-codec",
      media,
      index,
      `offers ${codecNames(media)}; we take ${taken}`,
    );
  }
  return {
    index,
    mid: media.mid,
    kind: media.kind as MediaKind,
    codecs,
    red: takenRed(media, codecs),
    extensions,
    midExtensionId: extensionId(extensions, MID_URI),
    ridExtensionId: extensionId(extensions, RID_URI),
    repairedRidExtensionId: extensionId(extensions, REPAIRED_RID_URI),
    transportCcId,
    rtcpRsize: media.rtcpRsize,
    ...remoteLayers(media, codecs, direction, extensions),
    localSource: undefined,
  };
}

export function withCodecs(
  media: NegotiatedMedia,
  codecs: readonly NegotiatedCodec[],
): NegotiatedMedia {
  return { ...media, codecs };
}

function withoutFeedback(media: MediaDescription, declined: readonly string[]): MediaDescription {
  if (declined.length === 0) return media;
  return {
    ...media,
    codecs: media.codecs.map((codec) => ({
      ...codec,
      feedback: codec.feedback.filter((kind) => !declined.includes(kind)),
    })),
  };
}

/** What a publisher sends on a line: its sources, and its layers if it has several. */
function remoteLayers(
  media: MediaDescription,
  codecs: readonly NegotiatedCodec[],
  direction: "recvonly" | "sendonly",
  extensions: readonly NegotiatedExtension[],
): Pick<NegotiatedMedia, "remoteSources" | "rids"> {
  const sources = remoteSources(media);
  if (direction === "sendonly" || media.kind !== "video")
    return { remoteSources: sources, rids: [] };
  const told = extensionId(extensions, RID_URI) !== undefined;
  const rids = told ? takenRids(media, codecs) : [];
  if (rids.length > 0) return { remoteSources: sources, rids };
  const layers = simulcastSsrcs(media);
  return {
    remoteSources: sources.map((source) => {
      const at = layers.indexOf(source.ssrc);
      return at < 0 ? source : { ...source, rid: `${at}` };
    }),
    rids: layers.map((_, at) => `${at}`),
  };
}

/** The sources of `a=ssrc`, each with its RTX of `ssrc-group:FID`; those of FEC are left out. */
function remoteSources(media: MediaDescription): NegotiatedSource[] {
  const rtx = new Map<number, number>();
  const secondary = new Set<number>();
  for (const { semantics, ssrcs } of media.sourceGroups) {
    const [first, second] = ssrcs;
    if (first === undefined || second === undefined || first === second) continue;
    if (semantics !== "FID" && semantics !== "FEC-FR") continue;
    secondary.add(second);
    if (semantics === "FID") rtx.set(first, second);
  }
  return media.sources
    .filter(({ ssrc }) => !secondary.has(ssrc))
    .map(({ ssrc, cname }) => ({ ssrc, rtxSsrc: rtx.get(ssrc), cname }));
}
