/**
 * What a small request costs through HTTP/1.1, the Fetch API and Hono, without a socket.
 *
 * @module
 */
import "./help.ts";
import { Hono } from "hono";
import type { Conn, ConnHandler } from "../core/base/mod.ts";
import { latin1Bytes } from "../core/bytes/mod.ts";
import { loadRuntime } from "../runtime/mod.ts";
import { HttpServer } from "../server/http/mod.ts";
import { runtimeName } from "./harness.ts";

const REQUESTS = 20_000;
const WARM_UP = 5000;
const PIPELINED = 10;

const runtime = await loadRuntime();
const app = new Hono();
app.get("/api/v1/versions", (c) => c.json({ code: 0, data: { major: 0, minor: 1 } }));
const server = new HttpServer({
  runtime,
  server: "Monoport",
  fetch: (request) => app.fetch(request),
});

let answered = 0;
let wake: () => void = () => {};
const END = latin1Bytes("\r\n\r\n");
const conn: Conn = {
  remote: { host: "127.0.0.1", port: 1 },
  local: { host: "127.0.0.1", port: 8080 },
  handler: { data() {}, close() {} } as ConnHandler,
  buffered: 0,
  closed: false,
  write(bytes) {
    answered += countHeads(bytes);
    wake();
    return true;
  },
  pause() {},
  resume() {},
  end() {},
  destroy() {},
  startTls: () => Promise.reject(new Error("no TLS")),
};

/** Ends of heads in what was written: one per answer, for the bodies have none. */
function countHeads(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(END[0] ?? 13); at >= 0; at = bytes.indexOf(END[0] ?? 13, at + 1)) {
    if (bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) count++;
  }
  return count;
}

const batch = latin1Bytes(
  "GET /api/v1/versions HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n".repeat(
    PIPELINED,
  ),
);
server.serve(conn, batch.slice());
let asked = PIPELINED;

/** Keeps the pipeline full until `count` more requests are answered. */
async function run(count: number): Promise<void> {
  const until = answered + count;
  while (answered < until) {
    if (answered >= asked) {
      asked += PIPELINED;
      conn.handler.data(batch.slice());
    }
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (answered >= asked) resolve();
    });
  }
}

await run(WARM_UP);
const rounds: number[] = [];
for (let round = 0; round < 7; round++) {
  const before = process.cpuUsage();
  const begun = answered;
  await run(REQUESTS / 7);
  const { user, system } = process.cpuUsage(before);
  rounds.push((user + system) / (answered - begun));
}
rounds.sort((a, b) => a - b);
console.log(`HTTP, ${runtimeName()}, us of CPU: median (best) of 7 rounds`);
console.log(
  `  ${"GET of a small JSON answer, 10 pipelined".padEnd(52)} ${(rounds[3] ?? 0).toFixed(2).padStart(8)} (${(rounds[0] ?? 0).toFixed(2)})`,
);
server.close();
runtime.exit(0);
