/** Bodies of requests. @module */
import type { Context } from "hono";

export interface BodyRefusal {
  readonly status: 400 | 413;
  readonly message: string;
}

/** The body as text; no more than `most` bytes are kept. */
export async function readBody(c: Context, most: number): Promise<string | BodyRefusal> {
  const stream = c.req.raw.body;
  if (stream === null) return "";
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    // A client that goes away in the middle, or frames it wrong, is no failure of ours.
    const read = await reader.read().catch(String);
    if (typeof read === "string") return { status: 400, message: `Cannot read the body: ${read}` };
    if (read.done) return text + decoder.decode();
    size += read.value.byteLength;
    if (size > most) {
      await reader.cancel();
      return { status: 413, message: `Cannot take a body of more than ${most} bytes` };
    }
    text += decoder.decode(read.value, { stream: true });
  }
}

/** The media type without parameters, in lower case; empty when there is none. */
export function mediaType(c: Context): string {
  return (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
