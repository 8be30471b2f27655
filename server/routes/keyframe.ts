/**
 * `GET /api/v1/streams/ID/keyframe`: the last keyframe as it is coded, for a `VideoDecoder` (WebCodecs):
 * nothing is decoded here.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import type { StreamName } from "../../core/stream/mod.ts";
import type { Admit } from "../admit.ts";
import type { Keyframe, NoKeyframe } from "../frames/mod.ts";
import { addressKey } from "../limits/address_key.ts";
import type { RateLimit } from "../limits/rate_limit.ts";
import type { Peer } from "./peer.ts";
import { sharedBody } from "./shared_body.ts";
import { tokenOf } from "./tokens.ts";

export interface KeyframeRoutesOptions {
  /** Live streams by their ids in the API. */
  readonly find: (id: string) => StreamName | undefined;
  readonly latest: (name: StreamName) => Promise<Keyframe | NoKeyframe>;
  readonly admit: Admit;
  /** Why this request may not see what admission alone does not decide; `undefined` when it may. */
  readonly refuses: (context: Context) => string | undefined;
  readonly limit: RateLimit;
  readonly now: () => number;
  readonly peer: (context: Context) => Peer;
}

/** Of a decoder configuration, in a header field. */
const DESCRIPTION_MAX_BYTES = 4096;

export function keyframeRoutes(options: KeyframeRoutesOptions): Hono {
  const app = new Hono();
  app.get("/api/v1/streams/:id/keyframe", async (c) => {
    const name = options.find(c.req.param("id"));
    if (name === undefined) return c.text("There is no such live stream\n", 404);
    const refusal = await refused(c, options, name);
    if (refusal !== undefined) return refusal;
    const found = await options.latest(name);
    return typeof found === "string" ? missing(c, name, found) : keyframe(c, found);
  });
  return app;
}

/** A picture of the stream is for who may play it. */
async function refused(
  c: Context,
  { admit, refuses, limit, now, peer }: KeyframeRoutesOptions,
  { app, stream }: StreamName,
): Promise<Response | undefined> {
  const { address } = peer(c);
  const wait = limit.take(addressKey(address), now());
  if (wait > 0) {
    const later = { "retry-after": String(Math.ceil(wait / 1000)) };
    return c.text("Too many requests of this address\n", 429, later);
  }
  const reason = refuses(c);
  if (reason !== undefined) return c.text(`${reason}\n`, 403);
  const verdict = await admit({ action: "play", app, stream, token: tokenOf(c), address });
  if (verdict.admitted) return undefined;
  if (verdict.status === 401) c.header("www-authenticate", "Bearer");
  return c.text(`${verdict.reason}\n`, verdict.status);
}

function missing(c: Context, { key }: StreamName, why: NoKeyframe): Response {
  if (why === "busy") {
    return c.text("Too many keyframes are asked for now\n", 503, { "retry-after": "2" });
  }
  const words = why === "none" ? "has sent no picture yet" : "sends keyframes that are too large";
  return c.text(`${key} ${words}\n`, 404);
}

function keyframe(c: Context, { format, frame }: Keyframe): Response {
  const { codec, codecString, configuration, width, height } = format;
  // The others carry in the frame all that a decoder needs.
  const described = codec === "h264" || codec === "h265" ? configuration : new Uint8Array(0);
  if (described.length > DESCRIPTION_MAX_BYTES) {
    return c.text("Its parameter sets are too large\n", 404);
  }
  const etag = `"${Math.round(frame.dts * 1000).toString(36)}-${frame.data.length.toString(36)}"`;
  const headers = { etag, "cache-control": "private, no-cache" };
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
  const { body, fields } = sharedBody(frame.data);
  return c.body(body, 200, {
    ...headers,
    ...fields,
    "content-type": "application/octet-stream",
    // As WebCodecs' registry names it.
    "monoport-codec": codec === "vp8" ? "vp8" : codecString,
    "monoport-picture": `${width}x${height}`,
    ...(described.length === 0 ? {} : { "monoport-description": base64(described) }),
  });
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
