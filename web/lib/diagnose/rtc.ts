/** One WebRTC session over one transport: does it connect, how fast is it. @module */
import { preferCodec, videoCodecs } from "../codecs.ts";
import { deleteSession, postOffer } from "../exchange.ts";
import type { Settings } from "../settings.ts";
import { type Figures, StatsReader } from "../stats.ts";
import { type Candidate, candidatesOf, onlyTransport, type Transport } from "./checks.ts";
import { noisePicture } from "./noise.ts";
import { diagnosePath, readSession } from "./server.ts";

const connectMillis = 8_000;
/** Until the rate has settled, and while it is measured. */
const warmMillis = { down: 1_000, up: 2_000 };
const measureMillis = 2_000;

export type Direction = "down" | "up";

export interface RtcResult {
  readonly outcome: "connected" | "blocked" | "not offered";
  /** All that the server's answer names. */
  readonly candidates: readonly Candidate[];
  /** Whether the server received anything on this session. */
  readonly reached: boolean;
  readonly kbps: number;
  readonly roundTripMillis: number | undefined;
  /** Where the session comes from, as the server sees it. */
  readonly from: { readonly host: string; readonly port: number } | undefined;
  /** The server sees another address than this browser has. */
  readonly behindNat: boolean;
  /** What held the sender back: `cpu`, `bandwidth`, `hidden` (the page was) or empty. */
  readonly limitation: string;
}

/** Throws what `postOffer` throws when the server refuses. */
export async function testRtc(
  settings: Settings,
  transport: Transport,
  direction: Direction,
  maxKbps: number,
): Promise<RtcResult> {
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  const picture = direction === "up" ? noisePicture() : undefined;
  let session: URL | undefined;
  try {
    const video =
      picture === undefined
        ? pc.addTransceiver("video", { direction: "recvonly" })
        : pc.addTransceiver(picture.track, {
            direction: "sendonly",
            sendEncodings: [{ maxBitrate: maxKbps * 1000 }],
          });
    if (picture !== undefined && videoCodecs("send").includes("vp8")) preferCodec(video, "vp8");
    await pc.setLocalDescription();
    const offer = pc.localDescription?.sdp ?? "";
    const answer = await postOffer(address(settings, direction), offer, settings.token);
    session = answer.session;
    const candidates = candidatesOf(answer.sdp);
    const nothing = { candidates, reached: false, kbps: 0, limitation: "", behindNat: false };
    const none = { ...nothing, roundTripMillis: undefined, from: undefined };
    if (!candidates.some((one) => one.transport === transport))
      return { ...none, outcome: "not offered" };
    const connected = connection(pc);
    const sdp = quickStart(onlyTransport(answer.sdp, transport), maxKbps);
    await pc.setRemoteDescription({ type: "answer", sdp });
    if (!(await connected)) {
      const seen = session && (await readSession(session).catch(() => undefined));
      return { ...none, outcome: "blocked", reached: (seen?.recv_bytes ?? 0) > 0 };
    }
    return { candidates, ...(await measure(pc, session, direction)) };
  } finally {
    picture?.stop();
    pc.close();
    deleteSession(session, settings.token);
  }
}

function address(settings: Settings, direction: Direction): URL {
  const way = direction === "up" ? "whip" : "whep";
  const url = new URL(`${diagnosePath}/${way}`, settings.origin);
  url.searchParams.set("codec", "vp8");
  for (const [name, value] of settings.others) url.searchParams.append(name, value);
  return url;
}

/** Whether it connects in time. */
function connection(pc: RTCPeerConnection): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), connectMillis);
    pc.addEventListener("connectionstatechange", () => {
      if (pc.connectionState !== "connected" && pc.connectionState !== "failed") return;
      clearTimeout(timer);
      resolve(pc.connectionState === "connected");
    });
  });
}

/**
 * Chromium begins to send at 300 kbit/s and takes long to believe in more; it takes this for a
 * better guess. What the network does not carry is found out all the same.
 */
function quickStart(sdp: string, maxKbps: number): string {
  return sdp.replace(/^a=rtpmap:(\d+) VP8\/90000\r\n/m, (line, type) => {
    const kbps = Math.min(maxKbps, 2_000);
    return `${line}a=fmtp:${type} x-google-start-bitrate=${kbps}\r\n`;
  });
}

async function measure(
  pc: RTCPeerConnection,
  session: URL | undefined,
  direction: Direction,
): Promise<Omit<RtcResult, "candidates">> {
  const reader = new StatsReader(pc);
  await sleep(warmMillis[direction]);
  await reader.read();
  const before = session && (await readSession(session).catch(() => undefined));
  await sleep(measureMillis);
  const figures: Figures = await reader.read();
  const after = session && (await readSession(session).catch(() => undefined));
  const sent =
    before === undefined || after === undefined
      ? figures.videoKbps
      : ((after.recv_bytes - before.recv_bytes) * 8) / Math.max(1, after.now_ms - before.now_ms);
  return {
    outcome: "connected",
    reached: true,
    kbps: direction === "up" ? sent : figures.videoKbps,
    roundTripMillis: figures.roundTripMillis,
    from: after?.from ?? undefined,
    // Of TCP every local candidate is reflexive, as it has no port before it connects.
    // Nor does a browser that may show no address of its own know that it talks to itself.
    behindNat:
      figures.protocol === "udp" &&
      /^[ps]rflx$/.test(figures.localType) &&
      !/^(127\.|::1$)/.test(after?.from?.host ?? ""),
    limitation: document.hidden ? "hidden" : figures.limitation,
  };
}

function sleep(millis: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, millis));
}
