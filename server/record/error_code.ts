import { codeOf } from "../file_error.ts";

const CODES: ReadonlySet<unknown> = new Set([
  "ENOSPC",
  "EDQUOT",
  "EFBIG",
  "EIO",
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOENT",
  "ENAMETOOLONG",
  "EMFILE",
  "EBUSY",
]);

/** The system's code as a label of metrics, where it is one that disks are known for. */
export function codeLabel(error: unknown): string {
  const code = codeOf(error);
  return CODES.has(code) ? String(code) : "other";
}
