/** Bounds of one HTTP connection. @module */
import type { Millis } from "../../base/mod.ts";

export interface HttpLimits {
  /** From the first byte of a request to the end of its head. */
  readonly headMillis: Millis;
  /** Without a byte of the body, while the application waits for one. */
  readonly bodyIdleMillis: Millis;
  /** From the first read of a body to its end, however it drips. */
  readonly bodyMillis: Millis;
  /** Between an answer and the next request. */
  readonly keepAliveMillis: Millis;
  /** After our FIN, for the client to read the answer and close. */
  readonly lingerMillis: Millis;
  /** Bytes read and dropped after an answer that ends the connection. */
  readonly lingerMaxBytes: number;
  /** Bytes of one request body. */
  readonly bodyMaxBytes: number;
}

export const HTTP_LIMITS: HttpLimits = {
  headMillis: 10_000,
  bodyIdleMillis: 30_000,
  bodyMillis: 300_000,
  keepAliveMillis: 60_000,
  lingerMillis: 2_000,
  lingerMaxBytes: 64 * 1024,
  bodyMaxBytes: 16 * 1024 * 1024,
};

/** Unread bytes kept while a request is being answered; with more, `wantsInput` is false. */
export const READ_AHEAD_BYTES: number = 16 * 1024;
