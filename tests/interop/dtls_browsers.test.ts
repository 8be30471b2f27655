/** DTLS over UDP with browsers, in both roles; the least ICE and SDP that makes them talk. */
import assert from "node:assert/strict";
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium as playwright } from "playwright-core";
import puppeteer from "puppeteer-core";
import type { SrtpProfile } from "../../core/base/mod.ts";
import { isFault } from "../../core/base/mod.ts";
import { DtlsEndpoint, type DtlsEvent } from "../../core/session/webrtc/dtls/mod.ts";
import {
  BINDING_REQUEST,
  BINDING_SUCCESS,
  decodeStun,
  encodeStun,
  encodeXorMappedAddress,
} from "../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../runtime/common/crypto.ts";
import { makeDtlsCertificate } from "../../server/certificates.ts";
import { need } from "../tools.ts";

const password = "a-password-of-enough-letters";

/** A UDP socket that answers STUN and speaks DTLS with whoever sends. */
class Peer {
  readonly events: DtlsEvent[] = [];
  readonly endpoint: DtlsEndpoint;
  readonly #socket: Socket;
  #port = 0;
  #host = "";
  #started = false;

  constructor(socket: Socket, endpoint: DtlsEndpoint) {
    this.#socket = socket;
    this.endpoint = endpoint;
    socket.on("message", (bytes, from) => this.#handle(bytes, from.address, from.port));
    const timer = setInterval(() => {
      endpoint.handleTimeout(performance.now());
      this.#drain();
    }, 20);
    socket.on("close", () => clearInterval(timer));
  }

  #handle(bytes: Uint8Array, host: string, port: number): void {
    const first = bytes[0] ?? 255;
    if (first < 4) this.#answer(bytes, host, port);
    if (first >= 20 && first < 64) {
      this.endpoint.handleInput(bytes, performance.now());
      this.#drain();
    }
  }

  #answer(bytes: Uint8Array, host: string, port: number): void {
    const request = decodeStun(bytes);
    if (isFault(request) || request.type !== BINDING_REQUEST) return;
    this.#host = host;
    this.#port = port;
    const hmac = nodeCrypto.hmac("sha1", new TextEncoder().encode(password));
    const { transactionId } = request;
    const attributes = [encodeXorMappedAddress({ host, port }, transactionId)];
    this.#send(encodeStun({ type: BINDING_SUCCESS, transactionId, attributes }, hmac));
    if (this.#started) return;
    this.#started = true;
    this.endpoint.start(performance.now());
    this.#drain();
  }

  #drain(): void {
    const { endpoint } = this;
    for (let out = endpoint.pollTransmit(); out; out = endpoint.pollTransmit()) this.#send(out);
    for (let event = endpoint.pollEvent(); event; event = endpoint.pollEvent()) {
      this.events.push(event);
    }
  }

  #send(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#port, this.#host);
  }
}

type Page = {
  evaluate<T, A>(run: (argument: A) => Promise<T>, argument: A): Promise<T>;
};

/** Makes an offer in the page; gives its SDP. */
function offer(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const pc = new RTCPeerConnection();
    Object.assign(globalThis, { pc });
    pc.addTransceiver("audio", { direction: "recvonly" });
    await pc.setLocalDescription();
    return pc.localDescription?.sdp ?? "";
  }, undefined);
}

/** Sets the answer; the state of DTLS after at most a minute. */
function connect(page: Page, answer: string): Promise<{ state: string; srtp: string | undefined }> {
  return page.evaluate(async (sdp) => {
    const { pc } = globalThis as unknown as { pc: RTCPeerConnection };
    await pc.setRemoteDescription({ type: "answer", sdp });
    for (let i = 0; i < 600 && pc.connectionState !== "connected"; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    let srtp: string | undefined;
    for (const [, stat] of await pc.getStats()) if (stat.srtpCipher) srtp = stat.srtpCipher;
    return { state: pc.connectionState, srtp };
  }, answer);
}

function answerTo(
  offered: string,
  host: string,
  port: number,
  setup: string,
  print: string,
): string {
  const payload = /^m=audio \d+ \S+ (\d+)/m.exec(offered)?.[1] ?? "111";
  const mid = /^a=mid:(\S+)/m.exec(offered)?.[1] ?? "0";
  const lines = [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=ice-lite",
    `a=group:BUNDLE ${mid}`,
    `m=audio ${port} UDP/TLS/RTP/SAVPF ${payload}`,
    `c=IN IP4 ${host}`,
    `a=mid:${mid}`,
    "a=sendonly",
    "a=rtcp-mux",
    `a=rtpmap:${payload} opus/48000/2`,
    "a=ice-ufrag:abcd",
    `a=ice-pwd:${password}`,
    `a=fingerprint:sha-256 ${print}`,
    `a=setup:${setup}`,
    `a=candidate:1 1 UDP 2130706431 ${host} ${port} typ host`,
    "a=end-of-candidates",
    "",
  ];
  return lines.join("\r\n");
}

async function handshake(
  page: Page,
  host: string,
  role: "client" | "server",
  srtpProfiles: readonly SrtpProfile[],
  withCookie: boolean,
): Promise<void> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  try {
    const own = await makeDtlsCertificate();
    const offered = await offer(page);
    const [, algorithm = "", hex = ""] = /^a=fingerprint:(\S+) (\S+)/m.exec(offered) ?? [];
    const digest = Uint8Array.from(hex.split(":"), (byte) => Number.parseInt(byte, 16));
    const cookie = { secret: new Uint8Array(32).fill(5), address: new Uint8Array(6) };
    const endpoint = new DtlsEndpoint({
      role,
      crypto: nodeCrypto,
      certificate: { chain: own.chain, key: nodeCrypto.privateKey(own.pkcs8) },
      peerFingerprints: [{ algorithm, digest }],
      srtpProfiles,
      reliable: false,
      ...(withCookie ? { cookie } : {}),
    });
    const peer = new Peer(socket, endpoint);
    const { port } = socket.address();
    const setup = role === "server" ? "passive" : "active";
    const answer = answerTo(offered, host, port, setup, own.fingerprint);
    const { state, srtp } = await connect(page, answer);
    const [event] = peer.events;
    assert.ok(event?.type === "connected", JSON.stringify(peer.events));
    assert.equal(event.profile, srtpProfiles[0]);
    assert.equal(event.extendedMasterSecret, true);
    assert.equal(event.cipherSuite, 0xc02b);
    assert.equal(state, "connected");
    const names: Readonly<Record<SrtpProfile, RegExp>> = {
      SRTP_AES128_CM_HMAC_SHA1_80: /AES_?128_CM_(HMAC_)?SHA1_80/,
      SRTP_AEAD_AES_128_GCM: /AEAD_AES_128_GCM/,
      SRTP_AEAD_AES_256_GCM: /AEAD_AES_256_GCM/,
    };
    assert.match(srtp ?? "", names[event.profile]);
    await page.evaluate(async () => {
      (globalThis as unknown as { pc: RTCPeerConnection }).pc.close();
    }, undefined);
    for (let i = 0; i < 1500 && peer.events.length < 2; i++) await sleep(20);
    assert.equal(peer.events[1]?.type, "closed");
  } finally {
    socket.close();
  }
}

const runs = [
  { role: "server", profile: "SRTP_AEAD_AES_128_GCM", withCookie: false },
  { role: "server", profile: "SRTP_AES128_CM_HMAC_SHA1_80", withCookie: true },
  { role: "server", profile: "SRTP_AEAD_AES_256_GCM", withCookie: false },
  { role: "client", profile: "SRTP_AEAD_AES_128_GCM", withCookie: false },
] as const;

function nameOf(run: (typeof runs)[number]): string {
  return `we are the ${run.role}, ${run.profile}${run.withCookie ? ", with a cookie" : ""}`;
}

/** WebRTC wants a page of some origin. */
async function servePage(): Promise<{ url: string; close: () => void }> {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<title>dtls</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

test("Chromium", async (t) => {
  const site = await servePage();
  const browser = await playwright.launch({
    executablePath: need("chromium"),
    args: ["--no-sandbox", "--allow-loopback-in-peer-connection"],
  });
  try {
    const page = await browser.newPage();
    await page.goto(site.url);
    for (const run of runs) {
      await t.test(nameOf(run), () =>
        handshake(page as Page, "127.0.0.1", run.role, [run.profile], run.withCookie),
      );
    }
  } finally {
    await browser.close();
    site.close();
  }
});

/** Firefox never gathers 127.0.0.1: it needs an address of the machine. */
function ownAddress(): string {
  for (const each of Object.values(networkInterfaces()).flat()) {
    if (each?.family === "IPv4" && !each.internal) return each.address;
  }
  return "127.0.0.1";
}

test("Firefox", async (t) => {
  const site = await servePage();
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: need("firefox"),
    headless: true,
    env: { ...process.env, MOZ_DISABLE_CONTENT_SANDBOX: "1" },
    extraPrefsFirefox: {
      "media.peerconnection.ice.obfuscate_host_addresses": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
  });
  try {
    const page = await browser.newPage();
    await page.goto(site.url);
    for (const run of runs) {
      await t.test(nameOf(run), () =>
        handshake(page as Page, ownAddress(), run.role, [run.profile], run.withCookie),
      );
    }
  } finally {
    await browser.close();
    site.close();
  }
});
