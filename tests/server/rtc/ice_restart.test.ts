import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import type { IceCredentials } from "../../../core/session/webrtc/ice_credentials.ts";
import { type Running, start } from "../fixture.ts";
import { Camera, Screen } from "./camera.ts";
import { play, publish, type RtcClient, sleep, until } from "./client.ts";

/** Restarts ICE by PATCH; the client's next connection shows the new credentials. */
async function restart(server: Running, client: RtcClient, ufrag: string): Promise<IceCredentials> {
  const answer = await fetch(server.url + client.location, {
    method: "PATCH",
    headers: { "content-type": "application/trickle-ice-sdpfrag", "if-match": "*" },
    body: `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${ufrag.repeat(6)}\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\n`,
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  const value = (name: string): string =>
    new RegExp(`^a=${name}:(.*?)\\r?$`, "m").exec(text)?.[1] ?? "";
  const renewed = { ufrag: value("ice-ufrag"), pwd: value("ice-pwd") };
  client.peer.useIce(renewed);
  return renewed;
}

test("publisher and viewer restart ICE: media goes on over new connections, by the same keys", async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  const source = await publish(server, { stream: "restart" });
  t.after(() => source.close());
  await source.connect();
  const watcher = await play(server, { stream: "restart" });
  t.after(() => watcher.close());
  const screen = new Screen(watcher);
  await watcher.connect();
  const film = new Camera(source);
  t.after(() => film.stop());
  film.run(3);
  await until(() => screen.packets > 20, "pictures");

  const sockets = [source.socket, watcher.socket];
  await restart(server, source, "pubA");
  await restart(server, watcher, "view");
  const before = screen.packets;
  await until(() => screen.packets > before + 20, "pictures over the old connections");

  await source.connect(); // DTLS is done already: a new handshake would fail
  await watcher.connect();
  assert.ok(source.socket !== sockets[0] && watcher.socket !== sockets[1]);
  const later = screen.packets;
  await until(() => screen.packets > later + 20, "pictures over the new ones");
  assert.deepEqual([screen.gaps, screen.torn, screen.badJumps], [0, 0, 0]);
  assert.equal(server.monoport.metrics.value("monoport_ice_restarts_total"), 2);
  assert.equal(server.monoport.metrics.value("monoport_sessions"), 2);
  assert.equal(await source.remove(), 200);
  assert.equal(await watcher.remove(), 200);
  assert.equal(server.monoport.metrics.value("monoport_sessions"), 0);
});

test("a client without a connection comes back by the new credentials, and by the old ones", async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  const watcher = await play(server, { stream: "lost" });
  t.after(() => watcher.close());
  await watcher.connect();
  watcher.drop();
  await restart(server, watcher, "view");
  await watcher.connect();
  watcher.drop();
  const answered = /a=ice-ufrag:(\S+)\r\na=ice-pwd:(\S+)/.exec(watcher.answer);
  watcher.peer.useIce({ ufrag: answered?.[1] ?? "", pwd: answered?.[2] ?? "" });
  await watcher.connect();
  assert.equal(server.monoport.metrics.value("monoport_sessions"), 1);
});

test("the credentials of a restart that was overtaken are nobody's, and so are all when the session ends", async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  const watcher = await play(server, { stream: "overtaken" });
  t.after(() => watcher.close());
  await watcher.connect();
  const first = await restart(server, watcher, "aaaa");
  const second = await restart(server, watcher, "bbbb");
  const refused = (): number =>
    server.monoport.metrics.value("monoport_faults_total", "core/session/webrtc/unknown-user");
  watcher.peer.useIce(first);
  await watcher.connect(1000).catch(() => {}); // an answer comes, of an error
  await until(() => refused() === 1, "a 401");
  watcher.peer.useIce(second);
  await watcher.connect();
  assert.equal(await watcher.remove(), 200);
  await watcher.connect(1000).catch(() => {}); // an answer comes, of an error
  await until(() => refused() === 2, "another");
});

test("a restart whose body comes when the session has ended leaves nothing behind", async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  const source = await publish(server, { stream: "gone" });
  t.after(() => source.close());
  const body =
    "a=ice-ufrag:late\r\na=ice-pwd:latelatelatelatelatelate\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\n";
  const socket = connect(server.port, "127.0.0.1");
  t.after(() => socket.destroy());
  let answer = "";
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString("latin1");
  });
  socket.write(
    `PATCH ${source.location} HTTP/1.1\r\nHost: a\r\nContent-Type: application/trickle-ice-sdpfrag\r\nIf-Match: *\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  );
  await sleep(100);
  assert.equal(await source.remove(), 200);
  socket.write(body.slice(10));
  await until(() => answer.includes("\r\n\r\n"), "an answer");
  assert.equal(server.monoport.metrics.value("monoport_ice_restarts_total"), 0);
});
