import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { Camera, Screen } from "../server/rtc/camera.ts";
import { play, publish, sleep, until } from "../server/rtc/client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";

const DESCRIPTORS = 256;
const CONNECTIONS = 400;
/** Milliseconds; 50 usually. */
const HEALTHY_MILLIS = 3000;
/** Descriptors of runtimes come and go by a few. */
const DESCRIPTOR_SLACK = 10;

/** What an idle connection has said, so that none of these ways keeps descriptors for ever. */
const WORDS = {
  "say nothing": "",
  "began a STUN message": "\x00\x64\x00\x01\x00\x50\x21\x12\xa4\x42",
  "had an answer and stay": "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
};

for (const runtime of ["node20", "node", "deno", "bun"] as const) {
  test(`out of descriptors by ${CONNECTIONS} idle connections, on ${runtime}`, async (t) => {
    const server = await startServer({
      runtime,
      // Three times the default lag: where the test's own process is held up, its viewer is not to blame.
      args: [
        ...["--demo", "off", "--limits.first_bytes", "60000"],
        ...["--vhost.play.max_lag", "1500"],
      ],
      prefix: ["sh", "-c", `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`],
    });
    t.after(() => server.stop());
    const source = await (await publish(server, { stream: "x" })).connect();
    const screen = new Screen(await play(server, { stream: "x" }));
    await screen.client.connect();
    const film = new Camera(source);
    film.run(3);
    const idle: Socket[] = [];
    t.after(() => {
      film.stop();
      for (const socket of [...idle, source, screen.client]) {
        if ("destroy" in socket) socket.destroy();
        else socket.close();
      }
    });
    // Deno 2.9.6 panics when it lacks descriptors in the first second of its life.
    await sleep(1500);
    const before = descriptorsOf(server);
    const begun = performance.now();

    for (const [way, words] of Object.entries(WORDS)) {
      for (let i = 0; i < CONNECTIONS; i++) {
        idle.push(open(server.port, words));
        if (i % 20 === 19) await sleep(5);
      }
      for (let i = 0; i < 3; i++) {
        assert.ok(await healthy(server), `answered in time beside ${CONNECTIONS} that ${way}`);
      }
      for (const socket of idle.splice(0)) socket.destroy();
      const back = (): boolean => descriptorsOf(server) <= before + DESCRIPTOR_SLACK;
      await until(back, `the descriptors of those that ${way} are free again`);
    }

    const text = await (await fetch(`${server.url}/metrics`)).text();
    const count = (name: string): number =>
      Number(new RegExp(`^${name.replace(/[{}]/g, "\\$&")} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
    const shed = count('monoport_connections_shed_total{reason="descriptors"}');
    assert.ok(shed >= CONNECTIONS - DESCRIPTORS, `${shed} were shed`);
    assert.ok(count('monoport_accept_errors_total{code="EMFILE"}') >= 1);
    const lines = server
      .output()
      .split("\n")
      .filter((line) => /descriptors/i.test(line));
    const most = 2 + Math.floor((performance.now() - begun) / 10_000);
    assert.ok(lines.length >= 1 && lines.length <= most, `one line in 10 s:\n${server.output()}`);

    film.stop();
    await until(() => screen.packets === film.packets, "all media arrives");
    assert.deepEqual([screen.gaps, screen.jumps, screen.torn], [0, 0, 0]);
  });
}

function open(port: number, words: string): Socket {
  const socket = connect(port, "127.0.0.1", () => socket.write(words, "latin1"));
  socket.on("error", () => {}); // shed
  socket.resume();
  return socket;
}

/** Whether it answers in time; a connection may be refused meanwhile. */
async function healthy(server: ServerProcess): Promise<boolean> {
  const begun = performance.now();
  const left = (): number => begun + HEALTHY_MILLIS - performance.now();
  while (left() > 0) {
    const answer = await fetch(`${server.url}/healthz`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(Math.max(1, Math.ceil(left()))),
    }).catch(() => undefined);
    if (answer?.ok && (await answer.text()) === "ok\n") return true;
    await sleep(20);
  }
  return false;
}

function descriptorsOf(server: ServerProcess): number {
  return readdirSync(`/proc/${server.pid}/fd`).length;
}
