/** What a failed file operation means to an operator. @module */

export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** Deno's own refusal, which a flag would lift. */
export function isNotAllowed(error: unknown): boolean {
  return error instanceof Error && /Requires (read|write) access/.test(error.message);
}

const WORDS: Partial<Record<string, string>> = {
  EACCES: "this user is not allowed to",
  EPERM: "this user is not allowed to",
  EEXIST: "there is a file of that name",
  ENOTDIR: "a part of the path is a file",
  EISDIR: "it is a folder",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};

/** `flags`: what Deno must be given. */
export function describeFileError(error: unknown, flags: string): string {
  if (isNotAllowed(error)) return `Deno may not; give it ${flags}`;
  if (isMissing(error)) return "it is not there";
  const code = String(codeOf(error));
  const words = WORDS[code];
  // Errors of our own have a code, too, and say more.
  if (words !== undefined && error instanceof Error && error.message.startsWith(`${code}: `))
    return `${words} (${code})`;
  return error instanceof Error ? error.message : String(error);
}

/** As `ENOSPC`; `undefined` where there is none. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
