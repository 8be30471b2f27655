/**
 * The field `Forwarded` (RFC 7239 §4):
 * `for=192.0.2.60;proto=https;host=example.com, for="[2001:db8::17]:4711"`.
 *
 * @module
 */

/** What one proxy said; names in lower case, quotes undone. */
export type ForwardedElement = ReadonlyMap<string, string>;

/** Most elements that are read. */
const ELEMENTS_MAX = 32;
const PAIR = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[!#$%&'*+.^_`|~0-9A-Za-z-]+)/;

/** The elements, the client's own proxy first; `undefined` when it is not of that form. */
export function parseForwarded(text: string): readonly ForwardedElement[] | undefined {
  const elements: Map<string, string>[] = [new Map()];
  let rest = text.trim();
  while (rest !== "") {
    const [pair, name = "", value = ""] = PAIR.exec(rest) ?? [];
    if (pair === undefined) return undefined;
    const plain = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
    elements.at(-1)?.set(name.toLowerCase(), plain);
    rest = rest.slice(pair.length).trimStart();
    if (rest === "") break;
    const separator = rest[0];
    if (separator !== ";" && separator !== ",") return undefined;
    if (separator === "," && elements.push(new Map()) > ELEMENTS_MAX) return undefined;
    rest = rest.slice(1).trimStart();
  }
  return elements;
}
