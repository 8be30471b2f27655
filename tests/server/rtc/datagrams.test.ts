import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, type TestContext, test } from "node:test";
import { type Hmac, MonoportError } from "../../../core/base/mod.ts";
import { latin1Bytes } from "../../../core/bytes/mod.ts";
import { MAX_PAIRS } from "../../../core/session/webrtc/ice_lite.ts";
import { Attr, BINDING_REQUEST, encodeStun } from "../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../runtime/common/crypto.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { freePort } from "../../free_port.ts";
import { type Running, start } from "../fixture.ts";
import { Camera, Screen } from "./camera.ts";
import { play, publish, type RtcClient, sleep, until } from "./client.ts";

/** Longer than any answer takes on this machine. */
const SILENCE_MILLIS = 300;

async function serve(t: TestContext, args: readonly string[] = []): Promise<Running> {
  const server = await start(args);
  t.after(() => server.monoport.close());
  return server;
}

async function client(t: TestContext, server: Running, way = publish): Promise<RtcClient> {
  const one = await way(server, { stream: "one" });
  t.after(() => one.close());
  return one;
}

const paths = (server: Running): number => server.monoport.metrics.value("monoport_udp_paths");
const dropped = (server: Running, reason: string): number =>
  server.monoport.metrics.value("monoport_datagrams_dropped_total", reason);

describe("media over UDP", () => {
  test("a publisher's packets reach viewers over UDP and over TCP as they were sent", async (t) => {
    const server = await serve(t);
    const source = await (await client(t, server)).connectUdp();
    const viewers = [await client(t, server, play), await client(t, server, play)];
    const screens = viewers.map((one) => new Screen(one));
    await viewers[0]?.connectUdp();
    await viewers[1]?.connect();
    const film = new Camera(source);
    film.send(true);
    for (let i = 0; i < 20; i++) {
      await sleep(5);
      film.send(false, 1 + (i % 9));
    }
    for (const screen of screens) {
      await until(() => screen.packets >= film.packets, "all packets");
      assert.deepEqual(screen.payloads, film.payloads);
      assert.equal(screen.gaps, 0);
    }
    const answer = await fetch(`${server.url}/api/v1/clients/`);
    const { clients } = (await answer.json()) as { clients: { transport: string }[] };
    const transports = clients.map((one) => one.transport);
    assert.deepEqual(transports, ["udp", "udp", "tcp"]);
  });

  test("a viewer who moves between UDP and TCP gets numbers without a gap", async (t) => {
    const server = await serve(t);
    const source = await (await client(t, server)).connect();
    const viewer = await client(t, server, play);
    const screen = new Screen(viewer);
    await viewer.connectUdp();
    const film = new Camera(source);
    film.send(true);
    const all = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) film.send(false, 4);
      await until(() => screen.packets >= film.packets, "all packets");
    };
    await all();
    await viewer.connect(); // nominates it, while checks and reports go on over UDP
    await all();
    await viewer.connectUdp();
    await all();
    assert.deepEqual(screen.payloads, film.payloads);
    assert.equal(screen.gaps, 0);
    const selected = (transport: string): number =>
      server.monoport.metrics.value("monoport_paths_selected_total", transport);
    assert.equal(selected("udp"), 2);
    assert.equal(selected("tcp"), 2, "the publisher's and the viewer's");
  });

  test("when the TCP connection closes the stream goes on over UDP, and the other way round", async (t) => {
    const server = await serve(t);
    const source = await (await client(t, server)).connect();
    const film = new Camera(source);
    t.after(() => film.stop());
    const viewer = await client(t, server, play);
    const screen = new Screen(viewer);
    await viewer.connectUdp();
    await viewer.connect();
    film.run(3);
    const runsOn = async (): Promise<void> => {
      const before = screen.packets;
      await until(() => screen.packets > before + 30, "media goes on");
    };
    await runsOn();
    const keyframes = film.requests;
    viewer.drop();
    await runsOn();
    await viewer.connect();
    viewer.dropUdp();
    await runsOn();
    assert.equal(film.requests, keyframes, "without a new keyframe");
    assert.equal(server.monoport.metrics.value("monoport_sessions_total", "play"), 1);
  });

  test("with protocol udp no TCP candidate is offered and no STUN over TCP served", async (t) => {
    const server = await serve(t, ["--rtc_server.protocol", "udp"]);
    const source = await client(t, server);
    assert.match(source.answer, /^a=candidate:\d+ 1 udp \d+ 127\.0\.0\.1 \d+ typ host/m);
    assert.doesNotMatch(source.answer, /^a=candidate:.* tcp /m);
    await assert.rejects(source.connect(300));
    await source.connectUdp();
  });

  test("with protocol tcp no UDP candidate is offered and nothing listens", async (t) => {
    const server = await serve(t, ["--rtc_server.protocol", "tcp"]);
    const source = await client(t, server);
    assert.doesNotMatch(source.answer, /^a=candidate:.* udp /m);
    assert.deepEqual(server.monoport.udpEndpoints, []);
    await assert.rejects(source.connectUdp(300));
  });
});

/** A socket that has shown nothing, and what comes back to it. */
async function stranger(t: TestContext, server: Running) {
  const answers: Uint8Array[] = [];
  const runtime = await loadRuntime();
  const socket = await runtime.openUdp({ host: "127.0.0.1", port: 0 }, (bytes) => {
    answers.push(bytes.slice());
  });
  t.after(() => socket.close());
  const send = (bytes: Uint8Array): void =>
    socket.send(bytes, { host: "127.0.0.1", port: server.port });
  return { answers, send };
}

const wrongPassword = nodeCrypto.hmac("sha1", latin1Bytes("wrong password, but long enough"));
let transaction = 0;

function check(ufrag: string, key?: Hmac): Uint8Array {
  const transactionId = new Uint8Array(12);
  new DataView(transactionId.buffer).setUint32(0, ++transaction);
  const attributes = [
    { type: Attr.Username, value: latin1Bytes(`${ufrag}:peer`) },
    { type: Attr.IceControlling, value: new Uint8Array(8).fill(5) },
    { type: Attr.UseCandidate, value: new Uint8Array(0) },
  ];
  return encodeStun({ type: BINDING_REQUEST, transactionId, attributes }, key);
}

function ufragOf({ answer }: RtcClient): string {
  return /^a=ice-ufrag:(.*?)\r?$/m.exec(answer)?.[1] ?? "";
}

function passwordOf({ answer }: RtcClient): Hmac {
  const password = /^a=ice-pwd:(.*?)\r?$/m.exec(answer)?.[1] ?? "";
  return nodeCrypto.hmac("sha1", latin1Bytes(password));
}

describe("datagrams of strangers", () => {
  test("get no answer and leave nothing, whatever they are, and are counted", async (t) => {
    const server = await serve(t);
    const source = await client(t, server); // its ufrag went over the wire in clear
    const { answers, send } = await stranger(t, server);
    const nameless = encodeStun({
      type: BINDING_REQUEST,
      transactionId: new Uint8Array(12),
      attributes: [],
    });
    const hello = Uint8Array.of(22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1);
    const rtp = new Uint8Array(40).fill(0x80);
    for (const bytes of [hello, rtp, Uint8Array.of(0xff), new Uint8Array(1400).fill(64)])
      send(bytes);
    send(nameless);
    send(Uint8Array.of(0));
    send(check("nobody00"));
    send(check(ufragOf(source), wrongPassword));
    send(check(ufragOf(source)));
    const byReason = { "unknown-sender": 4, "no-username": 2, "no-session": 1, unproven: 2 };
    for (const [reason, count] of Object.entries(byReason)) {
      await until(() => dropped(server, reason) === count, `${count} ${reason}`);
    }
    await sleep(SILENCE_MILLIS);
    assert.equal(answers.length, 0);
    assert.equal(paths(server), 0);
    await source.connectUdp();
  });

  test("an empty datagram is one of them", async (t) => {
    const server = await serve(t);
    const socket = createSocket("udp4");
    t.after(() => socket.close());
    socket.send(new Uint8Array(0), server.port, "127.0.0.1");
    await until(() => dropped(server, "unknown-sender") === 1, "it is dropped");
  });

  test("from a peer's own address do not take it from him", async (t) => {
    const server = await serve(t);
    const source = await (await client(t, server)).connectUdp();
    const other = await client(t, server, play);
    source.sendTo(server.port, check(ufragOf(other), wrongPassword));
    source.sendTo(server.port, check("nobody00"));
    source.sendTo(server.port, check(ufragOf(source), wrongPassword));
    source.sendTo(server.port, new Uint8Array(100).fill(99));
    await until(() => dropped(server, "unproven") === 1, "the forged check is dropped");
    assert.equal(paths(server), 1);
    const film = new Camera(source);
    film.send(true);
    const received = (): number => server.monoport.metrics.value("monoport_received_packets_total");
    await until(() => received() === film.packets, "his media is taken as before");
  });
});

describe("5-tuples", () => {
  test("move to another session whose password is shown on them", async (t) => {
    const server = await serve(t);
    const first = await (await client(t, server)).connectUdp();
    const second = await client(t, server, play);
    first.sendTo(server.port, check(ufragOf(second), passwordOf(second)));
    const client0 = async (): Promise<unknown[]> => {
      const answer = await fetch(`${server.url}/api/v1/clients/`);
      return ((await answer.json()) as { clients: { transport: string }[] }).clients.map(
        (one) => one.transport,
      );
    };
    const selected = (): number =>
      server.monoport.metrics.value("monoport_paths_selected_total", "udp");
    await until(() => selected() === 2, "the other session has it");
    assert.equal(paths(server), 1);
    assert.deepEqual(await client0(), ["", ""], "the first lost it, the second has no keys yet");
  });

  test("of one session are as many as its pairs, however many prove themselves", async (t) => {
    const server = await serve(t);
    const source = await client(t, server);
    for (let i = 0; i < MAX_PAIRS + 8; i++) {
      const { answers, send } = await stranger(t, server);
      send(check(ufragOf(source), passwordOf(source)));
      await until(() => answers.length === 1, "an answer");
      assert.ok((answers[0]?.length ?? 999) <= 64, "no larger than it must be");
    }
    assert.equal(paths(server), MAX_PAIRS);
  });

  test("and the session's end takes them all", async (t) => {
    const server = await serve(t);
    const source = await (await client(t, server)).connectUdp();
    assert.equal(paths(server), 1);
    assert.equal(await source.remove(), 200);
    assert.equal(paths(server), 0);
    await until(() => source.peer.closed, "he is told by close_notify");
  });

  test("a copy of a check from another address takes nothing", async (t) => {
    const server = await serve(t);
    const source = await client(t, server);
    const copied = check(ufragOf(source), passwordOf(source));
    const [honest, thief] = [await stranger(t, server), await stranger(t, server)];
    honest.send(copied);
    await until(() => honest.answers.length === 1, "an answer");
    thief.send(copied);
    await until(() => dropped(server, "unproven") === 1, "it is dropped");
    await sleep(SILENCE_MILLIS);
    assert.equal(thief.answers.length, 0);
    assert.equal(paths(server), 1);
  });
});

describe("the UDP port", () => {
  test("has the number that the TCP port got", async (t) => {
    const server = await serve(t);
    assert.deepEqual(
      server.monoport.udpEndpoints.map(({ port }) => port),
      [server.port],
    );
  });

  test("has a number of its own where one is set, and candidates say so", async (t) => {
    const server = await serve(t, ["--rtc_server.listen", "127.0.0.1:0"]);
    const [udp] = server.monoport.udpEndpoints;
    assert.ok(udp);
    assert.notEqual(udp.port, server.port);
    const { answer } = await client(t, server);
    assert.match(
      answer,
      new RegExp(`^a=candidate:\\d+ 1 udp \\d+ 127\\.0\\.0\\.1 ${udp.port} `, "m"),
    );
    assert.match(
      answer,
      new RegExp(`^a=candidate:\\d+ 1 tcp \\d+ 127\\.0\\.0\\.1 ${server.port} `, "m"),
    );
  });

  test("may be several: each serves every session, and the first stands in candidates", async (t) => {
    const server = await serve(t, ["--rtc_server.listen", "127.0.0.1:0 [::1]:0"]);
    const { udpEndpoints } = server.monoport;
    assert.deepEqual(
      udpEndpoints.map(({ host }) => host),
      ["127.0.0.1", "::1"],
    );
    const source = await client(t, server);
    const runtime = await loadRuntime();
    for (const to of udpEndpoints) {
      let answers = 0;
      const socket = await runtime.openUdp({ host: to.host, port: 0 }, () => void answers++);
      t.after(() => socket.close());
      socket.send(check(ufragOf(source), passwordOf(source)), to);
      await until(() => answers === 1, "an answer");
    }
    assert.equal(paths(server), 2);
    const offered = source.answer.match(/^a=candidate:.* udp .*$/gm) ?? [];
    assert.ok(
      offered.length > 0 && offered.every((one) => one.includes(` ${udpEndpoints[0]?.port} `)),
    );
  });

  test("an ip:port that is asked for stands for both transports", async (t) => {
    const server = await serve(t, ["--rtc_server.candidate", "192.0.2.7:9000"]);
    const { answer } = await client(t, server);
    for (const transport of ["udp", "tcp"]) {
      assert.match(
        answer,
        new RegExp(`^a=candidate:\\d+ 1 ${transport} \\d+ 192\\.0\\.2\\.7 9000 `, "m"),
      );
    }
  });

  test("that cannot be bound is an error that names setting, value and remedy", async (t) => {
    const taken = createSocket("udp4");
    t.after(() => taken.close());
    const port = await freePort(); // for TCP too
    await new Promise<void>((resolve) => taken.bind(port, "127.0.0.1", () => resolve()));
    const wants = ["--rtc_server.listen", `127.0.0.1:${port}`];
    await assert.rejects(start(wants), (error) => {
      assert.ok(error instanceof MonoportError);
      assert.equal(error.code, "port-in-use");
      assert.match(error.message, new RegExp(`^UDP 127\\.0\\.0\\.1:${port} is in use.*`));
      assert.match(error.message, new RegExp(`rtc_server\\.listen is 127\\.0\\.0\\.1:${port}`));
      assert.match(error.message, /--rtc_server\.protocol tcp/);
      return true;
    });
    // By default it is the number of the TCP port that is named.
    await assert.rejects(start(["--listen", `127.0.0.1:${port}`]), /UDP .*number of the TCP port/);
    const server = await serve(t, [
      "--listen",
      `127.0.0.1:${port}`,
      "--rtc_server.protocol",
      "tcp",
    ]);
    assert.equal(server.port, port);
  });

  test("takes datagrams over IPv6, and IPv4-mapped addresses as IPv4", async (t) => {
    const server = await serve(t, ["--listen", "[::]:0"]);
    const source = await client(t, server);
    const runtime = await loadRuntime();
    for (const host of ["::1", "127.0.0.1"]) {
      const answers: Uint8Array[] = [];
      const socket = await runtime.openUdp({ host, port: 0 }, (bytes) => {
        answers.push(bytes.slice());
      });
      t.after(() => socket.close());
      socket.send(check(ufragOf(source), passwordOf(source)), { host, port: server.port });
      await until(() => answers.length === 1, "an answer");
      // XOR-MAPPED-ADDRESS: the family says what the server took the sender for.
      assert.equal(answers[0]?.[25], host === "::1" ? 2 : 1);
    }
    assert.equal(paths(server), 2);
  });
});
