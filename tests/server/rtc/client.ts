/**
 * A WebRTC client made by hand: WHIP or WHEP, one path at a time, TCP or UDP, H.264 and RTCP.
 *
 * @module
 */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { isFault, type UdpSocket } from "../../../core/base/mod.ts";
import { concat } from "../../../core/bytes/mod.ts";
import { Deframer } from "../../../core/wire/rfc4571/mod.ts";
import { decodeRtcp, encodeRtcp, type RtcpPacket } from "../../../core/wire/rtcp/mod.ts";
import { decodeRtp, type RtpHeader } from "../../../core/wire/rtp/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { alice, bob } from "../../core/session/webrtc/dtls/peers.ts";
import { packetsOf, RtcPeer } from "../../core/session/webrtc/rtc_peer.ts";

/** Checks keep consent, reports tell the server how far its packets got. */
const CHECK_MILLIS = 5000;
const REPORT_MILLIS = 100;
/** Over UDP, until the first check is answered, and for the timers of DTLS. */
const REPEAT_MILLIS = 100;

export interface Place {
  readonly url: string;
  readonly port: number;
}

export interface ClientOptions {
  readonly stream: string;
  /** Our part in DTLS; default `client`. */
  readonly role?: "client" | "server";
  readonly userAgent?: string;
  /** The offer names a certificate that is not ours. */
  readonly wrongFingerprint?: boolean;
  /** Where the offer goes, in place of the WHIP or WHEP path of `stream`. */
  readonly path?: string;
  /** Default H.264. */
  readonly codec?: "VP8";
  /** Added to the offer, as `a=..`. */
  readonly lines?: readonly string[];
}

/** Takes a packet that came, with its header read. */
export type OnRtp = (header: RtpHeader, packet: Uint8Array, index: number) => void;

export class RtcClient {
  readonly answer: string;
  /** Absolute path to DELETE. */
  readonly location: string;
  readonly peer: RtcPeer;
  /** RTCP that came. */
  readonly rtcp: RtcpPacket[] = [];
  onRtp: OnRtp = () => {};
  socket: Socket | undefined;
  /** Goes before the connection where there is one. */
  datagrams: UdpSocket | undefined;
  readonly #place: Place;
  /** Highest extended index received, by SSRC. */
  readonly #highest: Map<number, number> = new Map();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(place: Place, answer: string, location: string, role: "client" | "server") {
    const value = (name: string): string =>
      new RegExp(`^a=${name}:(.*?)\\r?$`, "m").exec(answer)?.[1] ?? "";
    const [, hex = ""] = value("fingerprint").split(" ");
    this.answer = answer;
    this.location = location;
    this.#place = place;
    this.peer = new RtcPeer({
      role,
      identity: alice,
      ice: { ufrag: value("ice-ufrag"), pwd: value("ice-pwd") },
      fingerprints: [
        {
          algorithm: "sha-256",
          digest: new Uint8Array(Buffer.from(hex.replaceAll(":", ""), "hex")),
        },
      ],
    });
  }

  get connected(): boolean {
    return this.socket !== undefined;
  }

  /** SSRC of the media that comes. */
  get mediaSsrc(): number {
    return [...this.#highest.keys()][0] ?? 0;
  }

  /** Highest extended index received of `ssrc`. */
  highest(ssrc: number): number {
    return this.#highest.get(ssrc) ?? 0;
  }

  /** A connection with a nominating check, and DTLS if that was not done before. */
  async connect(millis = 30_000): Promise<this> {
    const { peer } = this;
    const answers = peer.answers.length;
    const socket = connect({ port: this.#place.port, host: "127.0.0.1", noDelay: true });
    const deframer = new Deframer();
    socket.on("connect", () => {
      socket.write(peer.check(true)); // before anything else can be sent on it
      this.socket = socket;
    });
    socket.on("data", (chunk: Uint8Array) => {
      deframer.push(new Uint8Array(chunk));
      this.#read(deframer);
      if (peer.answers.length > answers) peer.dtls.start(performance.now());
      this.#write();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.socket === socket) this.socket = undefined;
    });
    const there = (): boolean => peer.answers.length > answers && peer.connected;
    await until(there, "the client is connected", millis);
    if (this.#timers.length === 0) this.#keepAlive();
    return this;
  }

  /** The same over UDP, which everything goes out on from now on. */
  async connectUdp(millis = 30_000): Promise<this> {
    const { peer } = this;
    const answers = peer.answers.length;
    const there = (): boolean => peer.answers.length > answers;
    const runtime = await loadRuntime();
    this.dropUdp();
    this.datagrams = await runtime.openUdp({ host: "127.0.0.1", port: 0 }, (bytes) => {
      peer.handlePacket(bytes.slice(), performance.now());
      this.#drain();
      if (there()) peer.dtls.start(performance.now());
      this.#write();
    });
    peer.dtls.setNetwork({ reliable: false }, performance.now());
    this.write(peer.check(true));
    this.#timers.push(
      setInterval(() => {
        if (!there()) this.write(peer.check(true));
        peer.dtls.handleTimeout(performance.now());
        this.#write();
      }, REPEAT_MILLIS),
    );
    await until(() => there() && peer.connected, "the client is connected over UDP", millis);
    if (this.#timers.length === 1) this.#keepAlive();
    return this;
  }

  /** Media or RTCP, protected and framed. */
  write(bytes: Uint8Array): void {
    if (this.datagrams === undefined) this.socket?.write(bytes);
    else for (const packet of packetsOf(bytes)) this.sendTo(this.#place.port, packet);
  }

  /** One datagram to a port of the server's. */
  sendTo(port: number, datagram: Uint8Array): void {
    this.datagrams?.send(datagram, { host: "127.0.0.1", port });
  }

  sendRtcp(packets: readonly RtcpPacket[]): void {
    this.write(this.peer.protectRtcp(encodeRtcp(packets)));
  }

  /** The connection breaks, as by a change of network. */
  drop(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  /** UDP goes no further; a connection, where there is one, is used again. */
  dropUdp(): void {
    void this.datagrams?.close();
    this.datagrams = undefined;
  }

  /** DELETE of the session; the status. */
  async remove(): Promise<number> {
    const answer = await fetch(this.#place.url + this.location, { method: "DELETE" });
    await answer.text();
    return answer.status;
  }

  /** Everything of ours ends. */
  close(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.drop();
    this.dropUdp();
  }

  #read(deframer: Deframer): void {
    const { peer } = this;
    for (let packet = deframer.poll(); packet !== undefined; packet = deframer.poll()) {
      assert.ok(!isFault(packet), String(packet));
      peer.handlePacket(packet, performance.now());
    }
    this.#drain();
  }

  #drain(): void {
    const { peer } = this;
    for (const { packet, index } of peer.rtp.splice(0)) {
      const header = decodeRtp(packet);
      assert.ok(!isFault(header), String(header));
      this.#highest.set(header.ssrc, Math.max(index, this.#highest.get(header.ssrc) ?? 0));
      this.onRtp(header, packet, index);
    }
    for (const bytes of peer.rtcp.splice(0)) {
      const packets = decodeRtcp(bytes);
      assert.ok(!isFault(packets), String(packets));
      this.rtcp.push(...packets);
    }
  }

  #write(): void {
    const frames = this.peer.poll();
    if (frames.length > 0) this.write(concat(frames));
  }

  #keepAlive(): void {
    this.#timers.push(
      setInterval(() => this.write(this.peer.check(true)), CHECK_MILLIS),
      setInterval(() => this.#report(), REPORT_MILLIS),
    );
  }

  #report(): void {
    // Who does not read does not report.
    if (this.#highest.size === 0 || this.socket?.isPaused()) return;
    const blocks = [...this.#highest].map(([ssrc, highest]) => ({
      ssrc,
      fractionLost: 0,
      cumulativeLost: 0,
      highestSequence: highest >>> 0,
      jitter: 0,
      lastSr: 0,
      delaySinceLastSr: 0,
    }));
    this.sendRtcp([{ type: "rr", ssrc: 1, blocks }]);
  }
}

/** Offers to publish; not connected yet. */
export function publish(place: Place, options: ClientOptions): Promise<RtcClient> {
  return offer(place, "whip", options);
}

/** Offers to play; not connected yet. */
export function play(place: Place, options: ClientOptions): Promise<RtcClient> {
  return offer(place, "whep", options);
}

async function offer(
  place: Place,
  way: "whip" | "whep",
  options: ClientOptions,
): Promise<RtcClient> {
  const { stream, role = "client", userAgent = "monoport-test", wrongFingerprint } = options;
  const { path = `/rtc/v1/${way}/?app=live&stream=${stream}`, codec, lines = [] } = options;
  const { digest } = wrongFingerprint ? bob.fingerprint : alice.fingerprint;
  const answer = await fetch(place.url + path, {
    method: "POST",
    headers: { "content-type": "application/sdp", "user-agent": userAgent },
    body: vp8If(codec, offerText(way, role, digest)) + lines.map((line) => `${line}\r\n`).join(""),
  });
  const text = await answer.text();
  assert.equal(answer.status, 201, text);
  return new RtcClient(place, text, answer.headers.get("location") ?? "", role);
}

export const VIDEO_SSRC = 0x2001;
export const VIDEO_PAYLOAD_TYPE = 96;

function offerText(way: "whip" | "whep", role: "client" | "server", digest: Uint8Array): string {
  const hex = Buffer.from(digest).toString("hex").toUpperCase();
  const sends = way === "whip";
  return [
    "v=0",
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:peer",
    "a=ice-pwd:0123456789abcdefghijklmn",
    `a=fingerprint:sha-256 ${hex.match(/../g)?.join(":")}`,
    // Who would be both writes actpass, and the server leaves the client's part to him.
    `a=setup:${role === "client" ? "actpass" : "passive"}`,
    "a=mid:0",
    sends ? "a=sendonly" : "a=recvonly",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    "a=rtpmap:96 H264/90000",
    "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    "a=rtcp-fb:96 nack",
    "a=rtcp-fb:96 nack pli",
    ...(sends ? [`a=ssrc:${VIDEO_SSRC} cname:test`] : []),
    "",
  ].join("\r\n");
}

function vp8If(codec: "VP8" | undefined, offer: string): string {
  return codec === undefined ? offer : offer.replace(/H264/, codec).replace(/a=fmtp.*\r\n/, "");
}

/** Waits for something that other machines do. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  millis = 30_000,
): Promise<void> {
  const deadline = performance.now() + millis;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Not within ${millis} ms: ${what}`);
    await sleep(5);
  }
}

export function sleep(millis: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, millis));
}
