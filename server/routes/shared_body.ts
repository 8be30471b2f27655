/** Bytes that many are sent. @module */

type Bytes = Uint8Array<ArrayBuffer>;

/** A `Response` copies bytes, which is cheap up to here; of what is longer so much is given at a time. */
export const PIECE_BYTES: number = 64 * 1024;

export interface SharedBody {
  readonly body: Bytes | ReadableStream<Bytes>;
  /** What must go with it. */
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * A body out of bytes that nobody changes: views of them, so that who does not take them costs no copy of his own.
 */
export function sharedBody(bytes: Bytes): SharedBody {
  if (bytes.length <= PIECE_BYTES) return { body: bytes, fields: {} };
  let at = 0;
  const body = new ReadableStream<Bytes>(
    {
      pull: (controller) => {
        controller.enqueue(bytes.subarray(at, at + PIECE_BYTES));
        at += PIECE_BYTES;
        if (at >= bytes.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { body, fields: { "content-length": String(bytes.length) } };
}
