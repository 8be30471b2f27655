/**
 * Finished recordings: `/api/v1/recordings/files` for operators, `/recordings/NAME` for players.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import type { Admission, Admit, Verdict } from "../admit.ts";
import type { Refused } from "../hooks/mod.ts";
import type { RecordedFile } from "../record/mod.ts";
import { httpDate, select, type Vod } from "../vod/mod.ts";
import { type Identity, json, jsonCode, SRS_CODE } from "./envelope.ts";
import type { Peer } from "./peer.ts";
import { tokenOf } from "./tokens.ts";

export interface RecordedFileOptions {
  readonly identity: Identity;
  readonly vod: Vod;
  readonly admit: Admit;
  readonly peer: (context: Context) => Peer;
  /** Words for the refusal, or `undefined` when the caller may. */
  readonly refuses: (context: Context) => string | undefined;
}

const FILES = "/api/v1/recordings/files";
const PLAYED = "/recordings/";
/** Recordings that one answer lists. */
const COUNT = 100;
const COUNT_MAX = 1000;
const TYPES = { mp4: "video/mp4", flv: "video/x-flv" } as const;
/** Seconds after which who met a limit may try again. */
const RETRY_SECONDS = "10";
const TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } as const;

/** Listing and deleting. */
export function recordedFileRoutes({ identity, vod, refuses }: RecordedFileOptions): Hono {
  const app = new Hono();
  for (const path of [FILES, `${FILES}/*`]) {
    app.use(path, async (c, next) => {
      const refusal = refuses(c);
      if (refusal === undefined) return next();
      return jsonCode(SRS_CODE.forbidden, `Cannot use recordings: ${refusal}`, 403);
    });
  }
  app.on("GET", [FILES, `${FILES}/`], async (c) => {
    const { app: inApp, stream } = c.req.query();
    const start = wholeNumber(c.req.query("start"), 0);
    const count = wholeNumber(c.req.query("count"), COUNT);
    if (start === undefined || count === undefined || count > COUNT_MAX) {
      const message = `start and count are whole numbers, count ${COUNT_MAX} at most`;
      return jsonCode(SRS_CODE.badRequest, message, 400);
    }
    const all = (await vod.list()).filter(
      (one) => (!inApp || one.app === inApp) && (!stream || one.stream === stream),
    );
    const recordings = all.slice(start, start + count).map(fileJson);
    return json(identity, { total: all.length, recordings });
  });
  app.delete(`${FILES}/:name{.+}`, async (c) =>
    (await vod.remove(c.req.param("name")))
      ? json(identity, {})
      : jsonCode(SRS_CODE.streamNotFound, "There is no such recording", 404),
  );
  return app;
}

/** Playing. */
export function playedFileRoutes(options: RecordedFileOptions): Hono {
  const app = new Hono();
  app.get(`${PLAYED}:name{.+}`, async (c, next) => {
    const file = await options.vod.find(c.req.param("name"));
    return file === undefined ? await next() : await send(c, options, file);
  });
  return app;
}

async function send(
  c: Context,
  { vod, admit, peer }: RecordedFileOptions,
  file: RecordedFile,
): Promise<Response> {
  const { address } = peer(c);
  const refused = await refusalOf(c, admit, vod, file, address);
  if (refused !== undefined) return refused;
  const { size, modified } = file;
  const etag = `"${size.toString(36)}-${Math.floor(modified).toString(36)}"`;
  const selected = select(c.req.method, c.req.raw.headers, size, { etag, modified });
  const { status } = selected;
  const headers: Record<string, string> = {
    etag,
    "last-modified": httpDate(modified),
    "accept-ranges": "bytes",
    // Whoever keeps it asks whether he may still show it.
    "cache-control": "private, no-cache",
    "x-content-type-options": "nosniff",
  };
  if (status === 416) headers["content-range"] = `bytes */${size}`;
  if (status !== 200 && status !== 206) return c.body(null, status, headers);
  const first = status === 206 ? selected.first : 0;
  const last = status === 206 ? selected.last : size - 1;
  headers["content-type"] = TYPES[file.format];
  headers["content-length"] = String(last + 1 - first);
  if (status === 206) headers["content-range"] = `bytes ${first}-${last}/${size}`;
  if (c.req.method === "HEAD") return c.body(null, status, headers);
  const body = await vod.body(file, { first, length: last + 1 - first }, address);
  if (typeof body !== "string") return c.body(body, status, headers);
  const tooMany = { ...TEXT, "retry-after": RETRY_SECONDS };
  return c.body("Too many recordings are being sent\n", body === "too-many" ? 503 : 429, tooMany);
}

/** Admission is asked with each request, hooks once for each viewer, as with HLS. */
async function refusalOf(
  c: Context,
  admit: Admit,
  vod: Vod,
  file: RecordedFile,
  address: string,
): Promise<Response | undefined> {
  const { app, stream } = file;
  const admission: Admission = { action: "play", app, stream, token: tokenOf(c), address };
  let verdict: Verdict | Refused = await admit(admission);
  if (verdict.admitted) {
    verdict = await vod.enter(file, c.req.header("user-agent") ?? "", {
      ...admission,
      param: new URL(c.req.url).search,
      tcUrl: `http://${c.req.header("host") ?? ""}/${app}`,
      pageUrl: c.req.header("referer") ?? "",
      file: file.name.slice(file.name.lastIndexOf("/") + 1),
    });
  }
  if (verdict.admitted) return undefined;
  const { status, reason } = verdict;
  const more = {
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(status === 429 || status === 503 ? { "retry-after": RETRY_SECONDS } : {}),
  };
  return c.body(`${reason}\n`, status, { ...TEXT, ...more });
}

function wholeNumber(text: string | undefined, absent: number): number | undefined {
  if (text === undefined) return absent;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function fileJson({ name, app, stream, format, size, modified }: RecordedFile): object {
  const url = PLAYED + name;
  return { name, app, stream, format, size, modified_ms: Math.floor(modified), url };
}
