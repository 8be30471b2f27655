/**
 * Codes an operator or an API client can act on. Adding one is a minor release, removing one a
 * major.
 */
export type ErrorCode =
  | "config-invalid"
  | "port-in-use"
  | "port-forbidden"
  | "address-unavailable"
  | "permission-missing"
  | "api-misuse";

/** The only error class that leaves the library. `code` is stable, `message` is not. */
export class MonoportError extends Error {
  override readonly name = "MonoportError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
