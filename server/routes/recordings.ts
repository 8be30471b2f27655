/** `/api/v1/recordings`: what is recorded, and asking for more. For operators alone. @module */
import { type Context, Hono } from "hono";
import * as v from "valibot";
import { isBadStreamName, parseStreamName } from "../../core/stream/mod.ts";
import type { RecordingFacts, Recordings } from "../record/mod.ts";
import { mediaType, readBody } from "./body.ts";
import { type Identity, json, jsonCode, SRS_CODE } from "./envelope.ts";

export interface RecordingRoutesOptions {
  readonly identity: Identity;
  readonly recordings: Recordings;
  /** Whether somebody publishes the stream with that key. */
  readonly live: (key: string) => boolean;
  /** Words for the refusal, or `undefined` when the caller may. */
  readonly refuses: (context: Context) => string | undefined;
}

/** Bytes of a body. */
const BODY_MAX_BYTES = 8192;

const wish = v.strictObject({
  app: v.string(),
  stream: v.string(),
  format: v.optional(v.picklist(["mp4", "flv"], "mp4 or flv")),
  audio: v.optional(v.picklist(["aac", "opus"], "aac or opus")),
  duration: v.optional(
    v.pipe(
      v.number("a number of seconds"),
      v.minValue(1, "1 second at least"),
      v.maxValue(86_400, "86400 seconds at most"),
    ),
  ),
});

const LIST = ["/api/v1/recordings", "/api/v1/recordings/"];

export function recordingRoutes(options: RecordingRoutesOptions): Hono {
  const { identity, recordings, refuses } = options;
  const app = new Hono();
  app.use("/api/v1/recordings/*", async (c, next) => {
    const refusal = refuses(c);
    if (refusal === undefined) return next();
    return jsonCode(SRS_CODE.forbidden, `Cannot use recordings: ${refusal}`, 403);
  });
  app.on("GET", LIST, () => json(identity, { recordings: recordings.facts().map(recordingJson) }));
  app.on("POST", LIST, (c) => start(c, options));
  app.delete("/api/v1/recordings/:id", (c) =>
    recordings.stop(c.req.param("id"))
      ? json(identity, {})
      : jsonCode(SRS_CODE.clientNotFound, "No recording that runs has this id", 404),
  );
  return app;
}

async function start(
  c: Context,
  { identity, recordings, live }: RecordingRoutesOptions,
): Promise<Response> {
  const bad = (message: string, status = 400): Response =>
    jsonCode(SRS_CODE.badRequest, message, status);
  // A page of another site cannot send this type without asking first.
  if (mediaType(c) !== "application/json") return bad("Send application/json");
  const text = await readBody(c, BODY_MAX_BYTES);
  if (typeof text !== "string") return bad(text.message, text.status);
  const body = v.safeParse(v.pipe(v.string(), v.parseJson(), wish), text);
  if (!body.success) {
    const issues = body.issues.map((one) => `${v.getDotPath(one) ?? "JSON"}: ${one.message}`);
    return bad(`Cannot read the body: ${issues.join("; ")}`);
  }
  const { app, stream, format, audio, duration } = body.output;
  const name = parseStreamName(app, stream);
  if (isBadStreamName(name)) return bad(name.message);
  if (!live(name.key)) {
    return jsonCode(SRS_CODE.streamNotFound, `Nobody publishes ${name.key}`, 404);
  }
  const maxMillis = duration === undefined ? undefined : duration * 1000;
  const begun = recordings.start(name, { format, audio, maxMillis }, "api");
  if (typeof begun === "string") return bad(begun, 503);
  return json(identity, { recording: recordingJson(begun) });
}

function recordingJson(one: RecordingFacts): object {
  return {
    id: one.id,
    app: one.name.app,
    stream: one.name.stream,
    format: one.format,
    by: one.source,
    state: one.state,
    file: one.file,
    files: one.files,
    started_ms: Math.floor(one.startedAt),
    duration_ms: Math.round(one.duration),
    bytes: one.bytes,
    dropped_frames: one.droppedFrames,
    error: one.error,
  };
}
