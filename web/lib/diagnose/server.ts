/** What the page asks the server outside WebRTC: its facts, a WebSocket, bytes down and up. @module */

/** How our request arrived, as the server tells. */
export interface ServerFacts {
  readonly version: string;
  /** Ours, as the server sees it. */
  readonly address: string;
  /** What gives a proxy away. */
  readonly proxied: readonly string[];
  /** The Host that arrived. */
  readonly host: string;
  readonly webrtc: boolean;
  readonly max_kbps: number;
  readonly upload_bytes: number;
  readonly download_ms: number;
}

/** What the server sees of a session. */
export interface SessionFacts {
  readonly now_ms: number;
  readonly transport: string;
  readonly from: { readonly host: string; readonly port: number } | null;
  readonly recv_bytes: number;
}

const answerMillis = 8_000;
const downMillis = 2_000;
const upMillis = 2_500;
const firstUploadBytes = 64 * 1024;

export const diagnosePath = "/api/v1/diagnose";

export async function readFacts(origin: string): Promise<ServerFacts> {
  return await read<ServerFacts>(new URL(diagnosePath, origin));
}

/** `session` is the Location of a test's session. */
export async function readSession(session: URL): Promise<SessionFacts> {
  const { searchParams: query } = session;
  const id = encodeURIComponent(query.get("session") ?? "");
  const url = new URL(`${diagnosePath}/sessions/${id}`, session);
  url.searchParams.set("token", query.get("token") ?? "");
  return await read<SessionFacts>(url);
}

/** The shortest of five; the first also opens the connection. */
export async function httpRoundTrip(origin: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const begun = performance.now();
    await (await get(new URL("/healthz", origin))).text();
    best = Math.min(best, performance.now() - begun);
  }
  return best;
}

/** The shortest of ten echoes; throws when the handshake or an echo fails. */
export function webSocketRoundTrip(origin: string): Promise<number> {
  const url = new URL(`${diagnosePath}/ws`, origin);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const times: number[] = [];
    let sent = 0;
    const timer = setTimeout(() => end("no echo came"), answerMillis);
    const end = (why?: string): void => {
      clearTimeout(timer);
      socket.close();
      if (why === undefined) resolve(Math.min(...times));
      else reject(new Error(why));
    };
    const ping = (): void => {
      sent = performance.now();
      socket.send("monoport");
    };
    socket.addEventListener("open", ping);
    socket.addEventListener("message", () => {
      times.push(performance.now() - sent);
      if (times.length < 10) ping();
      else end();
    });
    socket.addEventListener("close", () => end("the connection was closed"));
  });
}

/** kbit/s. */
export async function httpDown(origin: string): Promise<number> {
  const url = new URL(`${diagnosePath}/download`, origin);
  url.searchParams.set("ms", String(downMillis));
  const reader = (await get(url, 2 * answerMillis)).body?.getReader();
  const until = performance.now() + 2 * downMillis;
  let bytes = 0;
  let first = 0;
  for (;;) {
    const chunk = await reader?.read();
    const now = performance.now();
    if (chunk === undefined || chunk.done || now > until) {
      await reader?.cancel();
      return (bytes * 8) / Math.max(1, now - first);
    }
    // The first chunk came in no time that we know.
    if (first === 0) first = now;
    else bytes += chunk.value.length;
  }
}

/** kbit/s: bodies that grow as long as they take little time, for some seconds. */
export async function httpUp(origin: string, largest: number): Promise<number> {
  const url = new URL(`${diagnosePath}/upload`, origin);
  const begun = performance.now();
  let best = 0;
  for (let size = firstUploadBytes; performance.now() - begun < upMillis; ) {
    const from = performance.now();
    const response = await fetch(url, {
      method: "POST",
      body: new Uint8Array(size),
      signal: AbortSignal.timeout(2 * answerMillis),
    });
    await response.text();
    if (!response.ok) throw new Error(`${response.status}`);
    const millis = performance.now() - from;
    best = Math.max(best, (size * 8) / millis);
    if (millis < 600) size = Math.min(largest, size * 2);
  }
  return best;
}

async function get(url: URL, millis = answerMillis): Promise<Response> {
  const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(millis) });
  if (!response.ok) throw new Error(`the answer is ${response.status}`);
  return response;
}

async function read<T>(url: URL): Promise<T> {
  const body = (await (await get(url)).json()) as { readonly data?: T };
  if (body.data === undefined) throw new Error("diagnose.enabled is off");
  return body.data;
}
