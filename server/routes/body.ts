/** Bodies of requests. @module */
import type { Context } from "hono";
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { RequestInfo } from "../http/mod.ts";
import type { Holding } from "../limits/held_bytes.ts";

export interface BodyRefusal {
  readonly status: 400 | 408 | 413 | 503;
  readonly message: string;
}

/** All of a body must be there by then, however it drips. */
export interface BodyDeadline {
  readonly clock: Pick<Runtime, "now" | "wakeAt">;
  readonly millis: Millis;
}

/** The body as text; no more than `most` bytes are kept, and those count as `limits.unproven_bytes`. */
export async function readBody(
  c: Context,
  most: number,
  deadline?: BodyDeadline | undefined,
): Promise<string | BodyRefusal> {
  const stream = c.req.raw.body;
  if (stream === null) return "";
  const holding = (c.env as Partial<RequestInfo> | undefined)?.hold?.();
  const reader = stream.getReader();
  let late: BodyRefusal | undefined;
  const timer = deadline?.clock.wakeAt(deadline.clock.now() + deadline.millis, () => {
    late = { status: 408, message: `A body takes ${deadline.millis} ms at most here` };
    reader.cancel().catch(() => {});
  });
  try {
    const text = await read(reader, most, holding);
    return late ?? text;
  } finally {
    timer?.[Symbol.dispose]();
    holding?.release();
  }
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  most: number,
  holding: Holding | undefined,
): Promise<string | BodyRefusal> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    // A client that goes away in the middle, or frames it wrong, is no failure of ours.
    const piece = await reader.read().catch(String);
    if (typeof piece === "string") {
      return { status: 400, message: `Cannot read the body: ${piece}` };
    }
    if (piece.done) return text + decoder.decode();
    size += piece.value.byteLength;
    const refusal: BodyRefusal | undefined =
      size > most
        ? { status: 413, message: `Cannot take a body of more than ${most} bytes` }
        : holding?.set(size) === undefined
          ? undefined
          : { status: 503, message: "Too many bodies at once (limits.unproven_bytes)" };
    if (refusal !== undefined) {
      await reader.cancel();
      return refusal;
    }
    text += decoder.decode(piece.value, { stream: true });
  }
}

/** The media type without parameters, in lower case; empty when there is none. */
export function mediaType(c: Context): string {
  return (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
