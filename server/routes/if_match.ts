/** `If-Match` (RFC 9110 §13.1.1). @module */

/** How a condition came out; `missing` is RFC 6585 §3's 428 where one is required. */
export type Condition = "missing" | "failed" | "any" | "matched";

/** An entity-tag of RFC 9110 §8.8.3. */
const ENTITY_TAG = /^(W\/)?"([\u0021\u0023-\u007e\u0080-\u00ff]*)"$/;

/**
 * Holds `field` against the strong `etag`, given without quotes. `"*"` counts as `*`: RFC 9725
 * §4.3.3 asks for one and shows the other.
 */
export function ifMatch(field: string | undefined, etag: string): Condition {
  if (field === undefined) return "missing";
  const text = field.trim();
  if (text === "*" || text === '"*"') return "any";
  for (const one of text.split(",")) {
    const [, weak, tag] = ENTITY_TAG.exec(one.trim()) ?? [];
    if (weak === undefined && tag === etag) return "matched";
  }
  return "failed";
}
