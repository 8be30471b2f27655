import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { freePort } from "../free_port.ts";
import { startServer } from "../server_process.ts";
import { inbound, launchChromium, openPage, statsWhen } from "./chromium.ts";

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(() => browser.close());

/** A path whose connections can fall silent without being closed, as behind a NAT that forgot. */
class Path {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** Connections since the beginning. */
  connections = 0;

  constructor(port: number, to: number) {
    this.#server = createServer((near) => {
      const far = connect({ port: to, host: "127.0.0.1", noDelay: true });
      this.connections++;
      near.setNoDelay(true);
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        this.#open.add(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => this.#open.delete(socket));
      }
    }).listen(port, "127.0.0.1");
  }

  silence(): void {
    for (const socket of this.#open) {
      socket.unpipe();
      socket.pause();
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }
}

interface Transport {
  /** The local port of the selected pair. */
  readonly port: number;
  readonly ufrag: string;
  readonly handshakes: readonly string[];
}

/** Begins to note what becomes of DTLS. */
function watchDtls(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { pc } = (globalThis as unknown as { monoport: { pc: RTCPeerConnection } }).monoport;
    const [sender] = pc.getSenders();
    const transport = (sender?.transport ?? pc.getReceivers()[0]?.transport) as RTCDtlsTransport;
    const noted = globalThis as unknown as { dtls: string[] };
    noted.dtls = [transport.state];
    transport.addEventListener("statechange", () => noted.dtls.push(transport.state));
  });
}

function transportOf(page: Page): Promise<Transport> {
  return page.evaluate(async () => {
    const here = globalThis as unknown as {
      monoport: { pc: RTCPeerConnection };
      dtls: readonly string[];
    };
    // biome-ignore lint/suspicious/noExplicitAny: the standard's dictionaries, read by name
    const all = new Map<string, any>();
    (await here.monoport.pc.getStats()).forEach((one) => void all.set(one.id, one));
    const transport = [...all.values()].find((one) => one.type === "transport");
    const local = all.get(all.get(transport?.selectedCandidatePairId)?.localCandidateId);
    const ufrag = transport?.iceLocalUsernameFragment ?? "";
    return { port: local?.port ?? 0, ufrag, handshakes: here.dtls };
  });
}

test("Chromium restarts ICE by PATCH over TCP: media goes on, on another pair, by the same keys", async (t) => {
  const server = await startServer({ args: ["--rtc_server.protocol", "tcp"] });
  t.after(() => server.stop());
  const publisher = await openPage(
    browser,
    `${server.url}/players/whip.html?stream=ice&autostart=true`,
  );
  t.after(() => publisher.context().close());
  await statsWhen(publisher, ({ outbound }) => outbound.some(({ packets }) => packets > 0));
  const player = await openPage(
    browser,
    `${server.url}/players/whep.html?stream=ice&autostart=true`,
  );
  t.after(() => player.context().close());
  await statsWhen(player, (stats) => stats.inbound.some((one) => one.framesDecoded > 10));

  let restarts = 0;
  for (const page of [publisher, player]) {
    await watchDtls(page);
    // The best of three: a machine that stands still freezes pictures, too.
    for (let left = 2, froze = true; froze; left--) {
      restarts++;
      froze = (await restarted(page, player)) > 0;
      assert.ok(!froze || left > 0, "the picture freezes each time");
    }
  }
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, new RegExp(`^monoport_ice_restarts_total ${restarts}$`, "m"));
  assert.match(metrics, /^monoport_sessions_total\{role="play"\} 1$/m);
});

/** Restarts the page's ICE, and watches the player meanwhile; how often its picture froze. */
async function restarted(page: Page, player: Page): Promise<number> {
  const before = await transportOf(page);
  const frames = inbound(await statsWhen(player, () => true), "video");
  await page.evaluate(() => window.monoport?.restartIce());
  const deadline = Date.now() + 60_000;
  let now = await transportOf(page);
  while (now.port === before.port && Date.now() < deadline) {
    await new Promise((wake) => setTimeout(wake, 100));
    now = await transportOf(page);
  }
  assert.notEqual(now.port, before.port, "another connection is selected");
  assert.notEqual(now.ufrag, before.ufrag);
  assert.deepEqual(now.handshakes, ["connected"], "no handshake");
  const on = await statsWhen(
    player,
    (stats) => inbound(stats, "video").framesDecoded > frames.framesDecoded + 30,
  );
  assert.equal(on.state, "connected");
  return inbound(on, "video").freezes - frames.freezes;
}

test("a page whose connection fell silent finds its session again by one restart", async (t) => {
  const [port, media] = [await freePort(), await freePort()];
  const args = ["--rtc_server.protocol", "tcp", "--rtc_server.candidate", `127.0.0.1:${media}`];
  const server = await startServer({ port, args });
  t.after(() => server.stop());
  const path = new Path(media, port);
  t.after(() => path.close());
  const player = await openPage(browser, `${server.url}/players/whep.html?stream=demo`);
  t.after(() => player.context().close());
  await player.evaluate(() => window.monoport?.start());
  await statsWhen(player, (stats) => stats.inbound.some((one) => one.framesDecoded > 10));
  await watchDtls(player);
  const session = await player.evaluate(() => window.monoport?.session);
  const before = path.connections;
  path.silence();
  await player.waitForFunction(() => window.monoport?.state === "interrupted", { timeout: 60_000 });
  await player.waitForFunction(() => window.monoport?.state === "live", { timeout: 60_000 });
  assert.ok(path.connections > before, "a new connection");
  assert.equal(await player.evaluate(() => window.monoport?.session), session);
  assert.deepEqual((await transportOf(player)).handshakes, ["connected"]);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^monoport_ice_restarts_total 1$/m);
});
