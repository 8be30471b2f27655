/** Verdicts and advice, out of what was measured. @module */
import {
  type Candidate,
  type Check,
  candidateInWords,
  hostAndPort,
  megabits,
  type Transport,
} from "./checks.ts";

/** Where the page came from and how its requests arrive. */
export interface Way {
  /** Host and port of the page, the port always written. */
  readonly page: string;
  /** What gives a proxy that speaks HTTP away; empty when nothing does. */
  readonly proxied: readonly string[];
}

/** What came of one WebRTC session. */
export interface Tried {
  readonly outcome: "connected" | "blocked" | "not offered";
  readonly candidates: readonly Candidate[];
  readonly reached: boolean;
}

/** Enough for a small picture with sound. */
const slowKbps = 1_000;
const slowRoundTripMillis = 300;
const name = { tcp: "TCP", udp: "UDP" } as const;

export function passes(facts: string, advice = ""): Check {
  return { verdict: "passes", facts, advice };
}

export function blocked(facts: string, advice: string): Check {
  return { verdict: "blocked", facts, advice };
}

/** WebRTC over one transport; `other` says whether media passes over the other one. */
export function rtcCheck(transport: Transport, tried: Tried, way: Way, other: boolean): Check {
  const offered = tried.candidates.filter((one) => one.transport === transport);
  const facts = offered.map(candidateInWords).join(", ");
  if (tried.outcome === "connected") return passes(facts);
  if (tried.outcome === "not offered") return notOffered(transport, tried.candidates);
  const rest = other
    ? ` Media passes over ${name[transport === "tcp" ? "udp" : "tcp"]}, so playing and publishing work.`
    : "";
  return blocked(facts, why(transport, tried, offered, way) + rest);
}

function notOffered(transport: Transport, candidates: readonly Candidate[]): Check {
  const others = candidates.length > 0 ? "The other transport is enough where it passes. " : "";
  const setting = transport === "udp" ? "rtc_server.protocol all" : "rtc_server.tcp.enabled on";
  const advice = `The server's answer names no ${name[transport]} address. ${others}An operator turns it on with ${setting}.`;
  return { verdict: "not offered", facts: "", advice };
}

function why(
  transport: Transport,
  { reached }: Tried,
  offered: readonly Candidate[],
  { page, proxied }: Way,
): string {
  const list = offered.map(({ address, port }) => hostAndPort(address, port)).join(", ");
  if (reached)
    return `The server is reached at ${list}, but the encrypted session does not come about: something on the way changes or drops what follows the first packets.`;
  if (transport === "udp")
    return `No UDP passes between this browser and ${list}: a firewall drops it, or the server's UDP port is not open, not mapped (docker run -p PORT:PORT/udp), or not at this address.`;
  if (proxied.length > 0)
    return `A proxy that speaks HTTP stands between you and the server (it shows by ${proxied.join(", ")}): it passes this page on, and no raw TCP. The operator lets it pass TCP (nginx stream, haproxy mode tcp), or offers a port beside it: rtc_server.tcp.listen and CANDIDATE=ADDRESS:PORT.`;
  if (!offered.some(({ address, port }) => samePlace(hostAndPort(address, port), page)))
    return `This page came from ${page}, and the server offers ${list} for media, which cannot be reached from here. The operator starts it with CANDIDATE=ADDRESS, the address that visitors use, and opens the port; you can try eip=ADDRESS in this page's address.`;
  return `Something between you and the server speaks HTTP and does not let raw TCP through on this port: a proxy, a content delivery network, or a firewall that inspects. Ask who runs it to let TCP through to ${list} unchanged, or use another network.`;
}

/** `localhost` is 127.0.0.1 in the server's answer. */
function samePlace(offered: string, page: string): boolean {
  return offered === page.replace(/^localhost:/, "127.0.0.1:");
}

/** kbit/s down and up; `undefined` for what was not measured. */
export interface Rates {
  readonly down: number | undefined;
  readonly up: number | undefined;
  readonly maxKbps: number;
  /** What held the sender back: `cpu`, `bandwidth`, `hidden` (the page was) or empty. */
  readonly limitation: string;
}

export function rateCheck({ down, up, maxKbps, limitation }: Rates): Check {
  const words = (kbps: number | undefined): string =>
    kbps === undefined ? "not measured" : megabits(kbps);
  const facts = `down ${words(down)}, up ${words(up)} (tested up to ${megabits(maxKbps)})`;
  const enough = Math.min(slowKbps, maxKbps * 0.6);
  const slow = [
    ...(down !== undefined && down < enough ? ["playing"] : []),
    ...(up !== undefined && up < enough ? ["publishing"] : []),
  ];
  if (slow.length === 0) return passes(facts);
  const cause = (slow[0] === "publishing" && causes[limitation]) || better;
  const advice = `Too slow for ${slow.join(" and ")} a good picture. ${cause}`;
  return { verdict: "slow", facts, advice: advice.replace("playing and", "playing or") };
}

const better = "Choose a lower bitrate, or a better network.";
/** By what held a publisher back, other than the network. */
const causes: Readonly<Record<string, string>> = {
  cpu: "This computer could not encode faster; the network may be able to.",
  hidden: "The page was in the background, where browsers draw little: keep it in front.",
};

/** In ms, by what it was measured over. */
export type RoundTrips = ReadonlyMap<string, number>;

export function roundTripCheck(trips: RoundTrips): Check {
  if (trips.size === 0) return blocked("", "Nothing answered that could be measured.");
  const facts = [...trips].map(([over, millis]) => `${over} ${inMillis(millis)}`).join(", ");
  const best = Math.min(...trips.values());
  if (best < slowRoundTripMillis) return passes(facts);
  const advice =
    "The way to the server is long or congested: expect a delay, and losses that show for a while.";
  return { verdict: "slow", facts, advice };
}

function inMillis(millis: number): string {
  return `${millis < 10 ? millis.toFixed(1) : Math.round(millis)} ms`;
}

/** An address without and with its port, by what the server saw it by. */
export interface Seen {
  readonly http: string;
  readonly tcp: { readonly host: string; readonly port: number } | undefined;
  readonly udp: { readonly host: string; readonly port: number } | undefined;
  /** As UDP tells: the browser has another address than the server sees. */
  readonly behindNat: boolean;
}

export function addressCheck({ http, tcp, udp, behindNat }: Seen): Check {
  const stun = [
    ...(tcp === undefined ? [] : [{ over: "TCP", ...tcp }]),
    ...(udp === undefined ? [] : [{ over: "UDP", ...udp }]),
  ];
  const facts = [
    `${http} by HTTP`,
    ...stun.map(({ over, host, port }) => `${hostAndPort(host, port)} by STUN over ${over}`),
    ...(behindNat ? ["this browser is behind a NAT"] : []),
  ].join(", ");
  const others = stun.filter(({ host }) => host !== http);
  if (others.length === 0) return passes(facts);
  const advice =
    "HTTP reaches the server from another address than media: a proxy carries your HTTP, or you have several ways out.";
  return passes(facts, advice);
}

/** The whole, in a sentence. */
export function summary(tcp: Check, udp: Check): string {
  const good = (check: Check): boolean => check.verdict === "passes";
  if (good(tcp) && good(udp)) return "Media passes over TCP and UDP.";
  if (good(tcp)) return `Media passes over TCP; UDP is ${udp.verdict}.`;
  if (good(udp)) return `Media passes over UDP; TCP is ${tcp.verdict}.`;
  return `No media passes: neither playing nor publishing works from here. ${tcp.verdict === "blocked" ? tcp.advice : udp.advice}`;
}
