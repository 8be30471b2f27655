/**
 * The servers a stream has passed, so that none passes it on in a circle: `Monoport-Via: a, b` on a
 * request that publishes or plays, and on the answer to one that plays.
 *
 * @module
 */

export const VIA_FIELD = "monoport-via";
/** Servers in a chain; the next one refuses. */
export const VIA_MAX = 8;

/** The ids of a chain, the first server first; `undefined` when the value is malformed. */
export function parseVia(value: string | null | undefined): readonly string[] | undefined {
  if (value === null || value === undefined || value.trim() === "") return [];
  if (value.length > VIA_MAX * 40) return undefined;
  const ids = value.split(",").map((id) => id.trim());
  return ids.every((id) => /^[A-Za-z0-9_-]{1,32}$/.test(id)) ? ids : undefined;
}

/** Why a request that came along `via` is not taken by the server `self`. */
export function refusesVia(via: readonly string[], self: string): string | undefined {
  if (via.includes(self)) return "The stream would go in a circle: it has passed this server";
  if (via.length >= VIA_MAX)
    return `The stream has passed ${via.length} servers, and ${VIA_MAX} are the most`;
  return undefined;
}
