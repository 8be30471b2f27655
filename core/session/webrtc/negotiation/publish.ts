/**
 * The offer of a publisher (WHIP, RFC 9725 §4.4.3): everything it wants to send is taken, or
 * nothing.
 *
 * @module
 */
import type { MediaKind } from "../../../media/mod.ts";
import type { MediaDescription, SessionDescription } from "../../../wire/sdp/mod.ts";
import { answerOffer } from "./answer.ts";
import { orderCodecs } from "./codecs.ts";
import { commonGround, refuseLine, withCodecs } from "./lines.ts";
import { type Answer, type LocalParameters, type NegotiatedMedia, Refusal } from "./types.ts";

/**
 * Answers an offer to publish with `a=recvonly`.
 *
 * All codecs we forward stay in the answer, in the offer's order but the preferred one first: a
 * browser sends the first and may change to another later. Layers of simulcast are taken up to a
 * bound.
 */
export function negotiatePublish(
  offer: SessionDescription,
  local: LocalParameters,
): Answer | Refusal {
  const kinds = new Set<MediaKind>();
  return answerOffer(offer, local, {
    direction: "recvonly",
    judge: (media, index) => {
      const judged = judge(media, index, local);
      if (judged instanceof Refusal) return judged;
      if (kinds.has(judged.kind)) {
        return refuseLine(
          422,
          "second-of-a-kind",
          media,
          index,
          `is a second ${media.kind} line; a stream has one of each kind (RFC 9725 §4.4)`,
        );
      }
      kinds.add(judged.kind);
      return judged;
    },
    tolerates: () => false,
  });
}

function judge(
  media: MediaDescription,
  index: number,
  local: LocalParameters,
): NegotiatedMedia | Refusal {
  if (media.direction === "recvonly" || media.direction === "inactive") {
    return refuseLine(
      422,
      "nothing-to-receive",
      media,
      index,
      `is ${media.direction}; a publisher's line must be sendonly`,
    );
  }
  const common = commonGround(media, index, "recvonly", local);
  if (common instanceof Refusal) return common;
  const rank = ({ codec }: { codec: string }): number => (codec === local.preferredCodec ? 0 : 1);
  return withCodecs(common, orderCodecs(common.codecs, rank));
}
