/**
 * The offer a WHEP endpoint makes where it cannot answer the viewer's, and the viewer's answer
 * (draft-ietf-wish-whep-03 §4.2.2).
 *
 * @module
 */
import { type Format, kindOf, sameFormat, suitability } from "../../../media/mod.ts";
import type { SessionDescription } from "../../../wire/sdp/mod.ts";
import { applyAnswer } from "./apply.ts";
import { makeOffer, type Offer, RECEIVED_FORMATS } from "./offer.ts";
import { type Answer, type LocalParameters, Refusal } from "./types.ts";
import { formatNames } from "./words.ts";

/**
 * An offer to send: the formats of `live` first, as they are, then those of the preferred codec,
 * then all we forward, for a publisher to come. `why` is for people, one line.
 */
export function makeCounterOffer(
  local: LocalParameters,
  live: readonly Format[],
  why: string,
): Offer {
  const others = RECEIVED_FORMATS.filter(
    (format) => !live.some((one) => suitability(one, format) === 3),
  );
  const wanted = ({ codec }: Format): boolean => codec === local.preferredCodec;
  return makeOffer({
    local,
    direction: "sendonly",
    formats: [...live, ...others.filter(wanted), ...others.filter((one) => !wanted(one))],
    iceLite: true,
    information: why,
  });
}

/** The answer of a viewer; a live track of a line he takes must be in a codec he takes. */
export function applyViewerAnswer(
  offer: Offer,
  answer: SessionDescription,
  local: LocalParameters,
  live: readonly Format[],
): Answer | Refusal {
  if (answer.iceLite) {
    return new Refusal(
      422,
      "both-ice-lite",
      "The answer has a=ice-lite and so has the offer: nobody would send checks",
    );
  }
  const applied = applyAnswer(offer, answer, local);
  if (applied instanceof Refusal) return applied;
  for (const { kind, codecs } of applied.media) {
    const sent = live.filter(({ codec }) => kindOf(codec) === kind);
    const takes = codecs.some(({ format }) => sent.some((one) => sameFormat(one, format)));
    if (sent.length === 0 || takes) continue;
    const names = formatNames(codecs.map(({ format }) => format));
    return new Refusal(
      422,
      "no-codec-in-common",
      `The answer takes ${names}; the stream is ${formatNames(sent)}`,
    );
  }
  return { sdp: offer.sdp, remote: applied.remote, media: applied.media };
}
