/**
 * `/api/v1/diagnose`: what the page `/diagnose` asks for. Every test is bounded in rate, time and
 * number, and admission is asked for WebRTC as for any other session.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import type { Runtime } from "../../core/base/mod.ts";
import { type Hub, isBadStreamName, parseStreamName } from "../../core/stream/mod.ts";
import {
  DOWNLOAD_MAX_MILLIS,
  pacedBody,
  sink,
  TestStream,
  type Tests,
  TRANSFER_MAX_MILLIS,
  UPLOAD_MAX_BYTES,
} from "../diagnose/mod.ts";
import type { Facts } from "../facts.ts";
import type { RequestInfo, WebSocketConn } from "../http/mod.ts";
import type { Metrics } from "../metrics.ts";
import { VERSION } from "../version.ts";
import { type Identity, json, jsonCode, SRS_CODE, word } from "./envelope.ts";
import { type Peer, PROXY_FIELDS } from "./peer.ts";

/** The application whose streams are tests. */
export const DIAGNOSE_APP = "diagnose";

/** A WebSocket test is over after so many messages or so long. */
const ECHO_MESSAGES_MAX = 100;
const ECHO_MESSAGE_BYTES = 1024;

/** Answers an offer as the WHIP and WHEP routes do. */
export type OfferTest = (
  context: Context,
  action: "publish" | "play",
  app: string,
  stream: string,
) => Promise<Response>;

export interface DiagnoseOptions {
  readonly runtime: Runtime;
  readonly identity: Identity;
  readonly metrics: Metrics;
  readonly facts: Facts;
  readonly hub: Hub;
  readonly tests: Tests;
  /** kbit/s of a test. */
  readonly maxKbps: number;
  readonly peer: (context: Context) => Peer;
  readonly info: (context: Context) => RequestInfo;
  /** Absent when WebRTC is not served. */
  readonly offer: OfferTest | undefined;
  /** The hub was fed. */
  readonly drain: () => void;
}

export function diagnoseRoutes(options: DiagnoseOptions): Hono {
  const app = new Hono();
  app.get("/api/v1/diagnose", (c) => json(options.identity, { data: factsOf(c, options) }));
  app.get("/api/v1/diagnose/download", (c) => download(c, options));
  app.post("/api/v1/diagnose/upload", (c) => upload(c, options));
  app.get("/api/v1/diagnose/ws", (c) => echo(c, options));
  app.get("/api/v1/diagnose/sessions/:id", (c) => sessionFacts(c, options));
  for (const [name, action] of [
    ["whip", "publish"],
    ["whep", "play"],
  ] as const)
    app.post(`/api/v1/diagnose/${name}`, (c) => session(c, options, action));
  return app;
}

/** How the request arrived, as far as it tells of what stands between. */
function factsOf(c: Context, { peer, info, maxKbps, offer }: DiagnoseOptions): object {
  const { address } = peer(c);
  const { headers } = c.req.raw;
  const proxied = PROXY_FIELDS.filter((name) => headers.has(name));
  // Browsers keep connections; nginx's proxy_pass does not unless it is told to.
  if (headers.get("connection")?.toLowerCase() === "close") proxied.push("connection: close");
  return {
    version: VERSION,
    address,
    proxied,
    host: headers.get("host") ?? "",
    port: info(c).local.port,
    tls: info(c).secure,
    webrtc: offer !== undefined,
    max_kbps: maxKbps,
    upload_bytes: UPLOAD_MAX_BYTES,
    download_ms: DOWNLOAD_MAX_MILLIS,
  };
}

function download(c: Context, options: DiagnoseOptions): Response {
  const slot = options.tests.slots.take(options.peer(c).address);
  if (typeof slot === "string") return busy(c, options, slot);
  options.metrics.count("monoport_diagnose_tests_total", "download");
  const asked = Number(/^\d{1,5}$/.exec(c.req.query("ms") ?? "")?.[0] ?? DOWNLOAD_MAX_MILLIS);
  const body = pacedBody(options.runtime, options.maxKbps, asked, () => slot.release());
  return c.body(body, 200, {
    "content-type": "application/octet-stream",
    "cache-control": "no-store, no-transform",
  });
}

async function upload(c: Context, options: DiagnoseOptions): Promise<Response> {
  const { body } = c.req.raw;
  if (body === null) return c.text("Send bytes\n", 400);
  const slot = options.tests.slots.take(options.peer(c).address);
  if (typeof slot === "string") return busy(c, options, slot);
  options.metrics.count("monoport_diagnose_tests_total", "upload");
  try {
    const taken = await sink(options.runtime, options.maxKbps, body);
    if (typeof taken === "object") return json(options.identity, { data: taken });
    const words = {
      400: "The upload broke off",
      408: `An upload takes ${TRANSFER_MAX_MILLIS} ms at most`,
      413: `Cannot take an upload of more than ${UPLOAD_MAX_BYTES} bytes`,
    };
    return c.text(`${words[taken]}\n`, taken);
  } finally {
    slot.release();
  }
}

/** Sends messages back until there were enough, or the time is over. */
function echo(c: Context, options: DiagnoseOptions): Response {
  const slot = options.tests.slots.take(options.peer(c).address);
  if (typeof slot === "string") return busy(c, options, slot);
  const { runtime } = options;
  let left = ECHO_MESSAGES_MAX;
  let opened: WebSocketConn | undefined;
  const end = (): void => {
    deadline[Symbol.dispose]();
    slot.release();
  };
  // A client that leaves before the handshake's end never opens, and is never reported closed.
  const deadline = runtime.wakeAt(runtime.now() + TRANSFER_MAX_MILLIS, () => {
    opened?.destroy();
    end();
  });
  const response = options.info(c).upgradeWebSocket(
    {
      open: (socket) => {
        opened = socket;
        options.metrics.count("monoport_diagnose_tests_total", "websocket");
      },
      message: (socket, data) => {
        socket.send(data);
        if (--left === 0) socket.close(1000, "enough");
      },
      close: end,
    },
    { limits: { messageMaxBytes: ECHO_MESSAGE_BYTES } },
  );
  if (response.status !== 200) end();
  return response;
}

async function session(
  c: Context,
  options: DiagnoseOptions,
  action: "publish" | "play",
): Promise<Response> {
  const { runtime, hub, drain, metrics, maxKbps, offer, tests } = options;
  if (offer === undefined) return c.text("WebRTC is not served\n", 404);
  const slot = options.tests.slots.take(options.peer(c).address);
  if (typeof slot === "string") return busy(c, options, slot);
  const name = parseStreamName(DIAGNOSE_APP, `test-${word(runtime, 12)}`);
  if (isBadStreamName(name)) throw new Error(name.message);
  const stream =
    action === "play"
      ? TestStream.open({ runtime, hub, afterInput: drain }, name, maxKbps)
      : undefined;
  let kept = false;
  try {
    if (action === "play" && stream === undefined)
      return busy(c, options, "there are too many streams (limits.streams)");
    const answer = await offer(c, action, name.app, name.stream);
    const query = new URL(answer.headers.get("location") ?? "", c.req.url).searchParams;
    const id = query.get("session") ?? "";
    if (answer.status !== 201 || id === "") return answer;
    kept = true;
    tests.watch({ id, token: query.get("token") ?? "", slot, stream });
    metrics.count("monoport_diagnose_tests_total", action);
    return answer;
  } finally {
    if (!kept) {
      stream?.end();
      slot.release();
    }
  }
}

/** What the server has seen of a session so far, for its owner. */
function sessionFacts(c: Context, { identity, runtime, tests }: DiagnoseOptions): Response {
  const facts = tests.factsOf(c.req.param("id") ?? "", c.req.query("token") ?? "");
  if (facts === undefined) return jsonCode(SRS_CODE.clientNotFound, undefined, 404);
  return json(identity, {
    data: {
      now_ms: Math.round(runtime.now()),
      transport: facts.transport,
      from: facts.mapped === undefined ? null : { ...facts.mapped },
      recv_bytes: facts.receivedBytes,
      send_bytes: facts.sentBytes,
    },
  });
}

function busy(c: Context, { metrics }: DiagnoseOptions, why: string): Response {
  metrics.count("monoport_diagnose_tests_total", "refused");
  return c.text(`Try again in a while: ${why}\n`, 503, { "retry-after": "10" });
}
