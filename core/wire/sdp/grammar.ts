/**
 * The small productions of the SDP grammars. All are linear in the length of their input.
 *
 * @module
 */

/** token of RFC 8866 §9. */
const TOKEN = /^[!#-'*+\-.0-9A-Z^-~]+$/;
/** ice-char of RFC 8839 §5.4. */
const ICE_CHARS = /^[A-Za-z0-9+/]+$/;
const DIGITS = /^[0-9]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export function isDigits(text: string, most: number): boolean {
  return text.length <= most && DIGITS.test(text);
}

export function isIceChars(text: string, least: number, most: number): boolean {
  return text.length >= least && text.length <= most && ICE_CHARS.test(text);
}

/** A decimal integer of at most `most`, or -1. */
export function integer(text: string, most: number): number {
  if (!isDigits(text, 16)) return -1;
  const value = Number(text);
  return value <= most ? value : -1;
}

/**
 * What stands before the first `mark` and what behind it; behind is empty when there is no mark.
 */
export function halves(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** The fields of a line; several spaces count as one, which some peers write. */
export function fields(text: string): string[] {
  return text.split(" ").filter((field) => field !== "");
}
