/** Which payload types of an offered line are taken, and in which order. @module */
import { type CodecName, type Format, kindOf, parameter } from "../../../media/mod.ts";
import type { Codec, MediaDescription } from "../../../wire/sdp/mod.ts";
import type { NegotiatedCodec, NegotiatedRed } from "./types.ts";

/** Encoding names in lower case, with the clock rate and channels that go with them. */
const TAKEN: ReadonlyMap<string, readonly [CodecName, number, number]> = new Map([
  ["h264", ["h264", 90000, 0]],
  ["h265", ["h265", 90000, 0]],
  ["vp8", ["vp8", 90000, 0]],
  ["vp9", ["vp9", 90000, 0]],
  ["av1", ["av1", 90000, 0]],
  ["opus", ["opus", 48000, 2]],
  ["pcmu", ["pcmu", 8000, 1]],
  ["pcma", ["pcma", 8000, 1]],
]);

/** The format of an offered codec, or undefined when we do not forward it. */
export function formatOf(codec: Codec, kind: string): Format | undefined {
  const taken = TAKEN.get(codec.name.toLowerCase());
  if (taken === undefined) return undefined;
  const [name, clockRate, channels] = taken;
  if (kindOf(name) !== kind) return undefined;
  if (codec.clockRate !== clockRate || codec.channels !== channels) return undefined;
  return { codec: name, clockRate, channels, parameters: codec.parameters };
}

/** The codecs of a line that we forward, in the offer's order. */
export function takenCodecs(media: MediaDescription, transportCc: boolean): NegotiatedCodec[] {
  const rtx = retransmissions(media);
  const out: NegotiatedCodec[] = [];
  for (const codec of media.codecs) {
    const format = formatOf(codec, media.kind);
    if (format === undefined) continue;
    const feedback = codec.feedback;
    out.push({
      payloadType: codec.payloadType,
      format,
      rtxPayloadType: rtx.get(codec.payloadType),
      nack: feedback.includes("nack"),
      pli: feedback.includes("nack pli"),
      fir: feedback.includes("ccm fir"),
      transportCc: transportCc && feedback.includes("transport-cc"),
      remb: feedback.includes("goog-remb"),
    });
  }
  return out;
}

/** Payload types to those of their RTX (RFC 4588 §8.6). */
function retransmissions(media: MediaDescription): Map<number, number> {
  const out = new Map<number, number>();
  for (const codec of media.codecs) {
    if (codec.name.toLowerCase() !== "rtx") continue;
    const apt = /(?:^|[; ])apt=([0-9]{1,3})(?:$|[; ])/i.exec(codec.parameters);
    const payloadType = apt === null ? -1 : Number(apt[1]);
    if (payloadType >= 0 && !out.has(payloadType)) out.set(payloadType, codec.payloadType);
  }
  return out;
}

/**
 * RED over one of the codecs taken (RFC 2198 §5), audio only: over video it carries ULPFEC, which
 * we do not forward.
 */
export function takenRed(
  media: MediaDescription,
  codecs: readonly NegotiatedCodec[],
): NegotiatedRed | undefined {
  if (media.kind !== "audio") return undefined;
  for (const red of media.codecs) {
    if (red.name.toLowerCase() !== "red") continue;
    const blocks = new Set(red.parameters.split("/"));
    const inside = codecs.find(
      ({ payloadType, format }) =>
        blocks.size === 1 && blocks.has(`${payloadType}`) && format.clockRate === red.clockRate,
    );
    if (inside !== undefined) {
      return { payloadType: red.payloadType, blockPayloadType: inside.payloadType };
    }
  }
  return undefined;
}

/**
 * Orders codecs, least rank first, keeping the offer's order among equals; but H.264 in
 * packetization-mode 1 takes the places before mode 0, which hardly any sender fills well.
 */
export function orderCodecs(
  codecs: readonly NegotiatedCodec[],
  rank: (format: Format) => number,
): NegotiatedCodec[] {
  const h264 = codecs.filter(({ format }) => format.codec === "h264");
  const fragmenting = h264.filter(({ format }) => packetizationMode(format) === "1");
  const others = h264.filter(({ format }) => packetizationMode(format) !== "1");
  const places = [...fragmenting, ...others].values();
  const placed = codecs.map((codec) =>
    codec.format.codec === "h264" ? (places.next().value ?? codec) : codec,
  );
  return placed
    .map((codec) => ({ codec, at: rank(codec.format) }))
    .sort((a, b) => a.at - b.at)
    .map(({ codec }) => codec);
}

function packetizationMode(format: Format): string {
  return parameter(format, "packetization-mode", "0");
}
