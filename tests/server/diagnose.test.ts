import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import {
  DOWNLOAD_MAX_MILLIS,
  TESTS_PER_ADDRESS,
  UPLOAD_MAX_BYTES,
} from "../../server/diagnose/mod.ts";
import { type Running, start } from "./fixture.ts";
import { play, publish, type RtcClient, until } from "./rtc/client.ts";

const KBPS = 4000;

interface Data {
  readonly [name: string]: unknown;
}

describe("/api/v1/diagnose", () => {
  let server: Running;
  before(async () => {
    server = await start(["--diagnose.max_bitrate", String(KBPS), "--diagnose.max_tests", "3"]);
  });
  after(() => server.monoport.close());

  const dataOf = async (path: string, init?: RequestInit): Promise<Data> => {
    const answer = await fetch(server.url + path, init);
    assert.equal(answer.status, 200, path);
    return ((await answer.json()) as { data: Data }).data;
  };
  /** All slots are free again. */
  const idle = (): Promise<void> =>
    until(
      () => server.monoport.metrics.value("monoport_diagnose_tests") === 0,
      "all slots are free",
    );
  /** Begins a download; what ends it, or `undefined` when it is refused. */
  const hold = async (): Promise<(() => void) | undefined> => {
    const gone = new AbortController();
    const answer = await fetch(`${server.url}/api/v1/diagnose/download`, { signal: gone.signal });
    if (answer.status === 200) return () => gone.abort();
    await answer.text();
    return undefined;
  };

  test("tells how a request arrived, and what gives a proxy away", async () => {
    const own = await dataOf("/api/v1/diagnose");
    assert.equal(own["address"], "127.0.0.1");
    assert.equal(own["port"], server.port);
    assert.equal(own["host"], `127.0.0.1:${server.port}`);
    assert.deepEqual(own["proxied"], []);
    assert.equal(own["max_kbps"], KBPS);
    const headers = { "x-forwarded-for": "192.0.2.1", via: "1.1 squid" };
    const passed = await dataOf("/api/v1/diagnose", { headers });
    assert.deepEqual(passed["proxied"], ["via", "x-forwarded-for"]);
    assert.equal(passed["address"], "127.0.0.1", "an unknown proxy is not believed");
  });

  test("a download comes at the configured rate and no faster, and is as long as asked", async () => {
    const begun = performance.now();
    const answer = await fetch(`${server.url}/api/v1/diagnose/download?ms=1000`);
    const { byteLength } = await answer.arrayBuffer();
    const millis = performance.now() - begun;
    assert.equal(byteLength, (KBPS / 8) * 1000);
    assert.ok(millis > 900, `${byteLength} bytes in ${millis} ms`);
    assert.match(answer.headers.get("cache-control") ?? "", /no-store/);
  });

  test("no download is longer than the bound", async () => {
    const gone = new AbortController();
    const path = "/api/v1/diagnose/download?ms=99999";
    const answer = await fetch(server.url + path, { signal: gone.signal });
    const reader = answer.body?.getReader();
    let bytes = 0;
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read())
      bytes += read.value.length;
    assert.equal(bytes, (KBPS / 8) * DOWNLOAD_MAX_MILLIS);
  });

  test("an upload is counted, and taken at the configured rate", async () => {
    const body = new Uint8Array(KBPS * 100); // 800 ms
    const begun = performance.now();
    const { bytes } = await dataOf("/api/v1/diagnose/upload", { method: "POST", body });
    assert.equal(bytes, body.length);
    assert.ok(performance.now() - begun > 700);
  });

  test("an upload over its bound is 413", async () => {
    const body = new Uint8Array(UPLOAD_MAX_BYTES + 1);
    const status = await fetch(`${server.url}/api/v1/diagnose/upload`, {
      method: "POST",
      body,
    }).then(
      (answer) => answer.status,
      () => 413, // some clients do not read an answer that comes before they are through
    );
    assert.equal(status, 413);
    await idle();
  });

  test("an address has two tests at a time; a third is 503 with Retry-After", async () => {
    await idle();
    const held = await Promise.all(Array.from({ length: TESTS_PER_ADDRESS }, hold));
    const refused = await fetch(`${server.url}/api/v1/diagnose/download`);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "10");
    assert.match(await refused.text(), /2 tests of 127\.0\.0\.1 are under way already/);
    for (const stop of held) stop?.();
    await idle();
  });

  test("the WebSocket sends back a hundred messages, then closes by itself", async (t) => {
    // Node 20 has no WebSocket of its own.
    const socket = connect(server.port, "127.0.0.1");
    t.after(() => void socket.destroy());
    const gone = once(socket, "close");
    let read = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
    });
    const fields =
      "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    socket.write(`GET /api/v1/diagnose/ws HTTP/1.1\r\n${fields}${key}\r\n`);
    await until(() => read.includes("\r\n\r\n"), "the handshake is answered");
    assert.match(read.toString("latin1"), /^HTTP\/1\.1 101 /);
    read = read.subarray(read.indexOf("\r\n\r\n") + 4);
    const echo = Buffer.from([0x81, 2, 0x68, 0x69]); // "hi", FIN and text
    for (let i = 0; i < 100; i++) {
      socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
      await until(() => read.length >= 4, `echo ${i}`);
      assert.deepEqual(read.subarray(0, 4), echo);
      read = read.subarray(4);
    }
    await until(() => read.length >= 4, "a Close");
    assert.deepEqual([...read.subarray(0, 4)], [0x88, 2 + "enough".length, 0x03, 0xe8]);
    socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    await gone;
    await idle();
  });

  test("what is no WebSocket handshake is 426 and holds no slot", async () => {
    for (let i = 0; i < 4; i++) {
      const answer = await fetch(`${server.url}/api/v1/diagnose/ws`);
      await answer.text();
      assert.equal(answer.status, 426);
    }
  });

  /** A test session by hand, as the page makes one. */
  const session = async (way: "whip" | "whep", name: string): Promise<RtcClient> => {
    const open = way === "whip" ? publish : play;
    return open(server, { stream: name, path: `/api/v1/diagnose/${way}`, codec: "VP8" });
  };
  const factsOf = async (client: RtcClient, token?: string): Promise<Data | number> => {
    const query = new URL(client.location, server.url).searchParams;
    const path = `/api/v1/diagnose/sessions/${query.get("session")}?token=${token ?? query.get("token")}`;
    const answer = await fetch(server.url + path);
    const body = (await answer.json()) as { data: Data };
    return answer.status === 200 ? body.data : answer.status;
  };

  test("a viewer gets VP8 at the configured rate once it is connected, and ends it", async (t) => {
    const client = await session("whep", "down");
    t.after(() => client.close());
    let bytes = 0;
    let frames = 0;
    let last = 0;
    const begun = performance.now();
    const times = new Set<number>();
    client.onRtp = (header, packet) => {
      bytes += packet.length;
      times.add(header.timestamp);
      if (header.marker) frames++;
      last = performance.now();
    };
    await client.connect();
    await until(() => frames > 40, "frames");
    // By the time of the pictures, which a pause of this machine does not change; nor do they run ahead of it.
    const [first = 0] = times;
    const millis = (([...times].at(-1) ?? 0) - first) / 90;
    assert.ok(millis < last - begun + 500, `${millis} ms of pictures in ${last - begun} ms`);
    const kbps = (bytes * 8) / millis;
    assert.ok(kbps > KBPS * 0.4 && kbps < KBPS * 1.3, `${kbps} kbit/s`);
    const facts = (await factsOf(client)) as Data;
    assert.equal(facts["transport"], "tcp");
    const from = facts["from"] as { host: string; port: number };
    assert.deepEqual(from, { host: "127.0.0.1", port: client.socket?.localPort });
    assert.ok((facts["send_bytes"] as number) >= bytes);
    assert.equal(await factsOf(client, "another"), 404, "the token is asked for");
    assert.equal(await client.remove(), 200);
    await until(async () => (await factsOf(client)) === 404, "it is forgotten");
    await idle();
  });

  test("a publisher publishes to a name of its own, and the stream ends with it", async (t) => {
    const client = await session("whip", "up");
    t.after(() => client.close());
    await client.connect();
    const { streams } = (await (await fetch(`${server.url}/api/v1/streams/`)).json()) as {
      streams: { app: string; name: string }[];
    };
    assert.match(streams[0]?.name ?? "", /^test-[a-z2-7]{12}$/);
    assert.equal(streams[0]?.app, "diagnose");
    assert.equal(await client.remove(), 200);
    await idle();
  });
});

describe("/api/v1/diagnose, when it may not", () => {
  test("admission is asked as for any session, and its refusal is passed on", async (t) => {
    const asked: string[] = [];
    const server = await start([], {
      admit: ({ action, app }) => {
        asked.push(`${action} ${app}`);
        return { admitted: false, status: 401, reason: "No." };
      },
    });
    t.after(() => server.monoport.close());
    for (let i = 0; i < 3; i++) {
      for (const way of ["whip", "whep"] as const) {
        const path = `/api/v1/diagnose/${way}`;
        const open = way === "whip" ? publish : play;
        await assert.rejects(open(server, { stream: "x", path, codec: "VP8" }), /401/);
      }
    }
    assert.deepEqual(asked.slice(0, 2), ["publish diagnose", "play diagnose"]);
    const { streams } = (await (await fetch(`${server.url}/api/v1/streams/`)).json()) as {
      streams: unknown[];
    };
    assert.deepEqual(streams, [], "nothing is left behind");
  });

  test("diagnose.enabled off takes it off", async (t) => {
    const server = await start(["--diagnose.enabled", "off"]);
    t.after(() => server.monoport.close());
    const answer = await fetch(`${server.url}/api/v1/diagnose/download`);
    assert.match(await answer.text(), /"urls"/, "the list of what there is");
  });
});
