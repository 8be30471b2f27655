import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { type ServerProcess, startServer } from "../server_process.ts";

const IDLE = 2000;
const DRIPPING = 50;
const REQUESTS = 300;
/** Descriptors of runtimes come and go by a few; memory is returned late. */
const DESCRIPTOR_SLACK = 10;
const MEMORY_SLACK_KB = 64 * 1024;

for (const runtime of ["node20", "node", "deno", "bun"] as const) {
  describe(`the shared port on ${runtime}`, () => {
    test("2,000 idle connections delay nobody, and leave nothing behind", async (t) => {
      const server = await startServer({
        runtime,
        args: ["--demo", "off", "--limits.first_bytes", "120000"],
      });
      t.after(() => server.stop());
      await latencies(server, 100); // warm
      await new Promise((wake) => setTimeout(wake, 300)); // until the last of them are closed
      const descriptors = descriptorsOf(server.pid);
      const memory = residentKb(server.pid);

      const idle = await dialMany(server.port, IDLE);
      const dripping = await dialMany(server.port, DRIPPING);
      const prefixes = [
        "GET /api/v1/versions HTT",
        "\x00\x14\x00\x01\x00\x00",
        "\x16\x03\x01\x02",
        "\x03\x00",
      ];
      t.after(() => {
        for (const socket of [...idle, ...dripping]) socket.destroy();
      });
      const all = await eventually(async () => (await connectionsOf(server)) >= IDLE + 1);
      assert.ok(all, `${await connectionsOf(server)} connections are open at the server`);
      let turn = 0;
      const drip = setInterval(() => {
        for (const [i, socket] of dripping.entries()) {
          const prefix = prefixes[i % prefixes.length] ?? "";
          if (turn < prefix.length) socket.write(prefix[turn] ?? "", "latin1");
        }
        turn++;
      }, 100);
      const resets = setInterval(() => {
        void dial(server.port).then((socket) => socket.resetAndDestroy());
      }, 10);
      t.after(() => clearInterval(drip));
      t.after(() => clearInterval(resets));
      // The best of three: what else this machine does is no fault of the server's.
      let p99 = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 3 && p99 >= 50; round++) {
        p99 = Math.min(p99, percentile(await latencies(server, REQUESTS), 0.99));
      }
      clearInterval(drip);
      clearInterval(resets);
      t.diagnostic(
        `p99 of GET /api/v1/versions beside ${IDLE} idle connections: ${p99.toFixed(1)} ms`,
      );
      assert.ok(p99 < 50, `p99 is ${p99} ms`);

      for (const socket of [...idle, ...dripping]) socket.destroy();
      const back = await eventually(
        () => descriptorsOf(server.pid) <= descriptors + DESCRIPTOR_SLACK,
      );
      assert.ok(back, `${descriptorsOf(server.pid)} descriptors, ${descriptors} before`);
      await eventually(() => residentKb(server.pid) <= memory + MEMORY_SLACK_KB);
      const kept = residentKb(server.pid) - memory;
      assert.ok(kept <= MEMORY_SLACK_KB, `${kept} kB of memory are kept`);
    });

    test("a connection that shows nothing is closed when its time is over", async (t) => {
      const server = await startServer({
        runtime,
        args: ["--demo", "off", "--limits.first_bytes", "300"],
      });
      t.after(() => server.stop());
      const silent = await dial(server.port);
      const halfway = await dial(server.port);
      halfway.write("\x00\x14\x00", "latin1");
      await Promise.all([silent, halfway].map((socket) => closed(socket)));
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      assert.match(metrics, /connections_shed_total\{reason="first-bytes-deadline"\} 2/);
    });
  });
}

/** A few at a time: a burst would overflow the kernel's backlog, which is 128 on Deno. */
async function dialMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Math.min(50, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => dial(port)))));
  }
  return sockets;
}

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
  });
}

function closed(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** Each on a connection of its own, one after the other. */
async function latencies(server: ServerProcess, count: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    await get(server.port);
    all.push(performance.now() - begun);
  }
  return all;
}

function get(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: "/api/v1/versions", agent: false };
    const call = request(options, (response) => {
      response.resume();
      response.on("end", resolve);
    });
    call.on("error", reject);
    call.end();
  });
}

function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** What the server says is open, this very request included. */
async function connectionsOf({ url }: ServerProcess): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^monoport_connections (\d+)$/m.exec(metrics)?.[1]);
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 600; i++) {
    if (await holds()) return true;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  return false;
}
