/** SSRCs of what we send. @module */
import type { LocalParameters, NegotiatedCodec, NegotiatedSource } from "./types.ts";

type SourceParameters = Pick<LocalParameters, "randomSsrc" | "cname">;

/** An SSRC for a line, and one for its retransmissions if any codec has them. */
export function newSource(
  codecs: readonly NegotiatedCodec[],
  local: SourceParameters,
  taken: Set<number>,
): NegotiatedSource {
  const ssrc = newSsrc(local, taken);
  const withRtx = codecs.some(({ rtxPayloadType }) => rtxPayloadType !== undefined);
  return { ssrc, rtxSsrc: withRtx ? newSsrc(local, taken) : undefined, cname: local.cname };
}

/** Not 0, which browsers read as none, and not one already given away. */
function newSsrc({ randomSsrc }: SourceParameters, taken: Set<number>): number {
  let ssrc = randomSsrc() >>> 0;
  while (ssrc === 0 || taken.has(ssrc)) ssrc = (ssrc + 1) >>> 0;
  taken.add(ssrc);
  return ssrc;
}
