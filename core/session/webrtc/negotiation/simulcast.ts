/** Which layers of a publisher's simulcast are taken (RFC 8853 §5.3.2, RFC 8851 §6). @module */
import type { MediaDescription, Rid, Simulcast } from "../../../wire/sdp/mod.ts";
import type { NegotiatedCodec } from "./types.ts";

/** Layers of one line; those behind are declined. Browsers send up to three. */
export const MAX_LAYERS = 4;

/**
 * The rids to be sent, in the offer's order: of each stream of `a=simulcast` the first alternative
 * with an `a=rid` line and a payload type we take. Empty when that is not two at least: then one
 * layer comes, as if nothing of it had been offered.
 */
export function takenRids(
  media: MediaDescription,
  codecs: readonly NegotiatedCodec[],
): readonly string[] {
  const rids: string[] = [];
  for (const stream of media.simulcast?.send ?? []) {
    const named = stream.split(",").map(withoutPause);
    const rid = named.find((id) => !rids.includes(id) && isTaken(media, id, codecs));
    if (rid !== undefined && rids.length < MAX_LAYERS) rids.push(rid);
  }
  return rids.length > 1 ? rids : [];
}

/**
 * The older way, without rids: `a=ssrc-group:SIM` lists an SSRC for each layer
 * (draft-rescorla-mmusic-simulcast-overview). Empty without two at least.
 */
export function simulcastSsrcs(media: MediaDescription): readonly number[] {
  const group = media.sourceGroups.find(({ semantics }) => semantics === "SIM");
  const known = new Set(media.sources.map(({ ssrc }) => ssrc));
  const ssrcs = [...new Set(group?.ssrcs)].filter((ssrc) => known.has(ssrc));
  return ssrcs.length > 1 ? ssrcs.slice(0, MAX_LAYERS) : [];
}

/**
 * `a=rid` and `a=simulcast` of the answer. Restrictions stay as offered, for an answer may not
 * loosen them; they bind the sender, so that we need not understand each.
 */
export function answeredSimulcast(
  offered: MediaDescription,
  rids: readonly string[],
  codecs: readonly NegotiatedCodec[],
): { readonly rids: readonly Rid[]; readonly simulcast: Simulcast | undefined } {
  const lines = rids.flatMap((id) => sentRid(offered, id) ?? []);
  if (lines.length === 0) return { rids: [], simulcast: undefined };
  const paused = new Set(
    offered.simulcast?.send.flatMap((stream) =>
      stream.split(",").flatMap((id) => (id.startsWith("~") ? withoutPause(id) : [])),
    ),
  );
  return {
    rids: lines.map(({ id, restrictions }) => ({
      id,
      direction: "recv",
      restrictions: withPayloadTypes(restrictions, codecs),
    })),
    simulcast: { send: [], recv: lines.map(({ id }) => (paused.has(id) ? `~${id}` : id)) },
  };
}

function isTaken(media: MediaDescription, id: string, codecs: readonly NegotiatedCodec[]): boolean {
  const rid = sentRid(media, id);
  if (rid === undefined) return false;
  const wanted = payloadTypes(rid.restrictions);
  return wanted === undefined || codecs.some(({ payloadType }) => wanted.has(payloadType));
}

function sentRid(media: MediaDescription, id: string): Rid | undefined {
  return media.rids.find((rid) => rid.id === id && rid.direction === "send");
}

function withoutPause(id: string): string {
  return id.startsWith("~") ? id.slice(1) : id;
}

/** `pt=96,97` of the restrictions; `undefined` when any payload type may come. */
function payloadTypes(restrictions: string): ReadonlySet<number> | undefined {
  const list = /(?:^|[; ])pt=([0-9,]+)/.exec(restrictions)?.[1];
  return list === undefined ? undefined : new Set(list.split(",").map(Number));
}

/** The restrictions without payload types that are not in the answer. */
function withPayloadTypes(restrictions: string, codecs: readonly NegotiatedCodec[]): string {
  const wanted = payloadTypes(restrictions);
  if (wanted === undefined) return restrictions;
  const kept = codecs.filter(({ payloadType }) => wanted.has(payloadType));
  const list = kept.map(({ payloadType }) => payloadType).join(",");
  return restrictions.replace(/(^|[; ])pt=[0-9,]+/, `$1pt=${list}`);
}
