/** What a failed file operation means to an operator. @module */

export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** Deno's own refusal, which a flag would lift. */
export function isNotAllowed(error: unknown): boolean {
  return error instanceof Error && /Requires (read|write) access/.test(error.message);
}

/** `flags`: what Deno must be given. */
export function describeFileError(error: unknown, flags: string): string {
  if (isNotAllowed(error)) return `Deno may not; give it ${flags}`;
  if (isMissing(error)) return "it is not there";
  return error instanceof Error ? error.message : String(error);
}

/** As `ENOSPC`; `undefined` where there is none. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
