import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type Running, start } from "../fixture.ts";
import { Camera, isParameterSet, Screen } from "./camera.ts";
import { play, publish, type RtcClient, sleep, until, VIDEO_SSRC } from "./client.ts";

describe("a publisher and his viewers, over TCP", () => {
  let server: Running;
  const clients: RtcClient[] = [];
  const cameras: Camera[] = [];
  before(async () => {
    server = await start();
  });
  afterEach(() => {
    for (const camera of cameras.splice(0)) camera.stop();
    for (const client of clients.splice(0)) client.close();
  });
  after(() => server.monoport.close());

  const publisher = async (stream: string, more: object = {}): Promise<RtcClient> => {
    const client = await publish(server, { stream, ...more });
    clients.push(client);
    return client.connect();
  };
  const viewer = async (stream: string, more: object = {}): Promise<Screen> => {
    const client = await play(server, { stream, ...more });
    clients.push(client);
    const screen = new Screen(client);
    await client.connect();
    return screen;
  };
  const camera = (client: RtcClient): Camera => {
    const one = new Camera(client);
    cameras.push(one);
    return one;
  };
  const metric = (name: string, label = ""): number => server.monoport.metrics.value(name, label);

  for (const role of ["client", "server"] as const) {
    test(`two viewers get every payload as it was sent; they are DTLS ${role}s`, async () => {
      const stream = `same-${role}`;
      const source = await publisher(stream, { role });
      const screens = [await viewer(stream, { role }), await viewer(stream, { role })];
      const film = camera(source);
      film.send(true);
      for (let i = 0; i < 20; i++) film.send(false, 1 + (i % 9));
      for (const screen of screens) {
        await until(() => screen.packets >= film.packets, "all packets");
        assert.deepEqual(screen.payloads, film.payloads);
        assert.equal(screen.gaps, 0);
      }
    });
  }

  test("who comes late sees a keyframe first, and the publisher was asked for it", async () => {
    const source = await publisher("late");
    const film = camera(source);
    film.run(3);
    await until(() => film.packets > 20, "it runs");
    const before = film.requests;
    const screen = await viewer("late");
    await until(() => screen.packets > 10, "pictures");
    assert.ok(film.requests > before, "a PLI");
    assert.ok(isParameterSet(screen.first ?? new Uint8Array(0)));
    assert.equal(screen.gaps, 0);
  });

  test("a viewer's PLI reaches the publisher, his NACK is answered, the sender report comes to him", async () => {
    const source = await publisher("asked");
    const film = camera(source);
    const screen = await viewer("asked");
    const { client } = screen;
    film.send(true);
    await until(() => screen.packets >= film.packets, "the keyframe");
    const requests = film.requests;
    const ssrc = client.mediaSsrc;
    await sleep(600); // at most one request in 500 ms
    client.sendRtcp([{ type: "pli", senderSsrc: 1, mediaSsrc: ssrc }]);
    await until(() => film.requests > requests, "a PLI");

    // Without RTX the same bytes come again, which SRTP knows.
    const lost = [client.highest(ssrc) & 0xffff, (client.highest(ssrc) - 1) & 0xffff];
    client.sendRtcp([{ type: "nack", senderSsrc: 1, mediaSsrc: ssrc, lost }]);
    await until(() => client.peer.refused === 2, "both packets again");

    const ntp = { seconds: 0xe000_0000, fraction: 0 };
    const sent = { packets: film.packets, octets: 5, rtpTime: 3000, blocks: [] };
    source.sendRtcp([{ type: "sr", ssrc: VIDEO_SSRC, ntp, ...sent }]);
    await until(() => client.rtcp.some(({ type }) => type === "sr"), "a sender report");
    const [report] = client.rtcp.filter((one) => one.type === "sr");
    assert.equal(report?.ssrc, ssrc);
    assert.equal(report?.packets, film.packets);
  });

  test("who waits gets the stream when it begins", async () => {
    const screen = await viewer("awaited");
    await sleep(50);
    const film = camera(await publisher("awaited"));
    film.send(true);
    await until(() => screen.packets >= film.packets, "the keyframe");
    assert.deepEqual(screen.payloads, film.payloads);
  });

  test("a publisher that reloads his page has the stream again, and viewers go on", async () => {
    const first = await publisher("reload");
    const film = camera(first);
    const screen = await viewer("reload");
    film.send(true);
    film.send(false);
    await until(() => screen.packets >= film.packets, "the first film");
    first.close();
    await sleep(50);
    const again = new Camera(await publisher("reload"), { index: 40_000 });
    again.send(true);
    again.send(false);
    await until(() => screen.packets >= film.packets + again.packets, "the second film");
    assert.deepEqual(screen.payloads, [...film.payloads, ...again.payloads]);
    assert.equal(screen.gaps, 0);
  });

  test("DELETE ends either with close_notify", async () => {
    const source = await publisher("deleted");
    camera(source).run(30); // and he goes on sending
    const screen = await viewer("deleted");
    const sessions = metric("monoport_sessions");
    for (const client of [screen.client, source]) {
      assert.equal(await client.remove(), 200);
      await until(() => client.peer.closed, "close_notify");
      await until(() => client.socket === undefined, "the connection is closed");
      assert.equal(await client.remove(), 404);
    }
    assert.equal(metric("monoport_sessions"), sessions - 2);
    assert.ok(metric("monoport_sessions_ended_total", "local") >= 2);
  });

  test("a client that says close_notify is gone at once", async () => {
    const screen = await viewer("bye");
    const sessions = metric("monoport_sessions");
    const { peer } = screen.client;
    peer.dtls.close(0);
    for (const bytes of peer.poll()) screen.client.write(bytes);
    await until(() => metric("monoport_sessions") === sessions - 1, "the session ends");
    await until(() => screen.client.socket === undefined, "the connection is closed");
  });

  test("a viewer whose connection broke comes back within 10 s, with the same keys", async () => {
    const film = camera(await publisher("broken"));
    const screen = await viewer("broken");
    film.run(3);
    await until(() => screen.packets > 20, "pictures");
    screen.client.drop();
    await sleep(300);
    screen.first = undefined;
    await screen.client.connect();
    const before = screen.packets;
    await until(() => screen.packets > before + 20, "pictures again");
    assert.equal(screen.client.peer.events.length, 1, "one handshake");
    assert.equal(screen.client.peer.refused, 0, "every packet opens");
    assert.ok(isParameterSet(screen.first ?? new Uint8Array(0)), "a keyframe first");
  });

  test("media moves to a second connection while the first is still open", async () => {
    const film = camera(await publisher("second"));
    const screen = await viewer("second");
    film.run(3);
    await until(() => screen.packets > 20, "pictures");
    const first = screen.client.socket;
    await screen.client.connect();
    const before = screen.packets;
    await until(() => screen.packets > before + 20, "pictures on the second");
    await sleep(100); // what was sent before is read
    const read = first?.bytesRead;
    await sleep(100);
    assert.equal(first?.bytesRead, read, "nothing more on the first");
    first?.destroy();
    const later = screen.packets;
    await until(() => screen.packets > later + 10, "the first closing disturbs nothing");
  });

  test("the API kicks a client out", async () => {
    const screen = await viewer("kicked");
    const list = async (): Promise<{ id: string; name: string }[]> => {
      const answer = await fetch(`${server.url}/api/v1/clients/?count=100`);
      return ((await answer.json()) as { clients: { id: string; name: string }[] }).clients;
    };
    const [client] = (await list()).filter(({ name }) => name === "kicked");
    const url = `${server.url}/api/v1/clients/${client?.id}`;
    assert.equal((await fetch(url, { method: "DELETE" })).status, 200);
    await until(() => screen.client.peer.closed, "close_notify");
    assert.ok(!(await list()).some(({ name }) => name === "kicked"));
  });

  test("the API tells a publisher's rate, the same as his stream's", async () => {
    const film = camera(await publisher("rated"));
    film.send(true);
    for (let i = 0; i < 20; i++) film.send(false, 5);
    const rate = async (list: "clients" | "streams"): Promise<number> => {
      const answer = await fetch(`${server.url}/api/v1/${list}/?count=100`);
      type Entry = { name: string; kbps: { recv_30s: number } };
      const entries = ((await answer.json()) as Record<typeof list, Entry[]>)[list];
      return entries.find(({ name }) => name === "rated")?.kbps.recv_30s ?? 0;
    };
    let [client, stream] = [0, 0];
    // It falls between the two requests, as time goes on.
    const same = (): boolean => client > 20 && Math.abs(client - stream) < stream / 10;
    for (let i = 0; i < 500 && !same(); i++) {
      await sleep(20);
      [client, stream] = [await rate("clients"), await rate("streams")];
    }
    assert.ok(same(), `${client} ${stream}`);
  });

  test("a fingerprint that is not the certificate's ends the session, and nothing was sent", async () => {
    const sessions = metric("monoport_sessions_ended_total", "dtls");
    const film = camera(await publisher("wrong"));
    film.run(3);
    const client = await play(server, { stream: "wrong", wrongFingerprint: true });
    clients.push(client);
    const screen = new Screen(client);
    void client.connect().catch(() => {});
    const ended = (): number => metric("monoport_sessions_ended_total", "dtls");
    await until(() => ended() === sessions + 1, "the session is ended");
    await until(() => client.socket === undefined, "the connection is closed");
    assert.equal(screen.packets, 0);
  });

  test("garbage behind a valid check closes that connection; the session goes on over the next", async () => {
    const film = camera(await publisher("garbage"));
    const screen = await viewer("garbage");
    film.run(3);
    await until(() => screen.packets > 5, "pictures");
    screen.client.write(Uint8Array.of(0, 3, 0x55, 1, 2));
    await until(() => screen.client.socket === undefined, "the connection is closed");
    await screen.client.connect();
    const before = screen.packets;
    await until(() => screen.packets > before + 10, "pictures again");
  });
});

test("a server that closes says close_notify to all, also while media comes in", async () => {
  const server = await start();
  const source = await (await publish(server, { stream: "x" })).connect();
  const viewer = await (await play(server, { stream: "x" })).connect();
  const film = new Camera(source);
  film.run(30);
  const screen = new Screen(viewer);
  await until(() => screen.packets > 100, "pictures");
  await server.monoport.close();
  await until(() => source.peer.closed && viewer.peer.closed, "close_notify").finally(() => {
    film.stop();
    source.close();
    viewer.close();
  });
});
