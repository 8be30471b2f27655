/**
 * The offer of a viewer (WHEP): lines we can serve are served, the others get port 0.
 *
 * @module
 */
import { type Format, kindOf, type MediaKind, suitability } from "../../../media/mod.ts";
import type { MediaDescription, SessionDescription } from "../../../wire/sdp/mod.ts";
import { answerOffer } from "./answer.ts";
import { orderCodecs } from "./codecs.ts";
import { commonGround, refuseLine } from "./lines.ts";
import { newSource } from "./sources.ts";
import { type Answer, type LocalParameters, type NegotiatedMedia, Refusal } from "./types.ts";
import { codecNames, formatNames } from "./words.ts";

/** Refusals of one line that end the whole negotiation; any other only costs the line. */
const FATAL: readonly string[] = ["no-codec-in-common", "nothing-to-send"];

/**
 * Answers an offer to play with `a=sendonly`.
 *
 * `live` has the formats of the stream that is on now, and is empty when none is. Every offered
 * codec we forward stays in the answer, so that a later or changed publisher plays too; that of the
 * live stream comes first, then the preferred one. A live track without a codec in common is 406.
 */
export function negotiatePlay(
  offer: SessionDescription,
  local: LocalParameters,
  live: readonly Format[],
): Answer | Refusal {
  const kinds = new Set<MediaKind>();
  const ssrcs = new Set<number>();
  return answerOffer(offer, local, {
    direction: "sendonly",
    judge: (media, index) => {
      const judged = judge(media, index, local, live);
      if (judged instanceof Refusal) return judged;
      if (kinds.has(judged.kind)) {
        return refuseLine(
          422,
          "second-of-a-kind",
          media,
          index,
          `is a second ${media.kind} line; a stream has one of each kind`,
        );
      }
      kinds.add(judged.kind);
      return { ...judged, localSource: newSource(judged.codecs, local, ssrcs) };
    },
    tolerates: ({ code }) => !FATAL.includes(code),
  });
}

function judge(
  media: MediaDescription,
  index: number,
  local: LocalParameters,
  live: readonly Format[],
): NegotiatedMedia | Refusal {
  if (media.direction === "sendonly") {
    return refuseLine(
      422,
      "nothing-to-send",
      media,
      index,
      "is sendonly; a viewer's line must be recvonly",
    );
  }
  if (media.direction === "inactive") {
    return refuseLine(
      422,
      "inactive",
      media,
      index,
      "is inactive; a viewer's line must be recvonly",
    );
  }
  const wanted = live.filter(({ codec }) => kindOf(codec) === media.kind);
  const common = commonGround(media, index, "sendonly", local);
  const codecs = common instanceof Refusal ? [] : common.codecs;
  const suits = (format: Format): number =>
    Math.max(0, ...wanted.map((sent) => suitability(sent, format)));
  if (wanted.length > 0 && !codecs.some(({ format }) => suits(format) > 0)) {
    return refuseLine(
      406,
      "no-codec-in-common",
      media,
      index,
      `offers ${codecNames(media)}; the stream is ${formatNames(wanted)}`,
    );
  }
  if (common instanceof Refusal) return common;
  const rank = (format: Format): number => {
    const fit = suits(format);
    if (fit > 0) return -fit;
    return format.codec === local.preferredCodec ? 0 : 1;
  };
  // Nothing is received from a viewer, so what the offer says it sends means nothing.
  return { ...common, codecs: orderCodecs(common.codecs, rank), remoteSources: [], rids: [] };
}
