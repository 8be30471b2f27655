/** What was tested and what came of it, in one line each. @module */

/** `waiting` and `running` are of a test that is not over. */
export type Verdict = "waiting" | "running" | "passes" | "slow" | "blocked" | "not offered";

export const checkNames = {
  http: "HTTP",
  websocket: "WebSocket",
  tcp: "WebRTC over TCP",
  udp: "WebRTC over UDP",
  "round-trip": "Round trip",
  address: "Mapped address",
  "http-rate": "Throughput of HTTP",
  "tcp-rate": "Throughput of WebRTC over TCP",
  "udp-rate": "Throughput of WebRTC over UDP",
} as const;

export type CheckName = keyof typeof checkNames;

export interface Check {
  readonly verdict: Verdict;
  /** Figures and addresses; empty for none. */
  readonly facts: string;
  /** One sentence or two: what it means, what to do. Empty when there is nothing to say. */
  readonly advice: string;
}

export type Transport = "tcp" | "udp";

/** An address of the server's answer. */
export interface Candidate {
  readonly transport: Transport;
  readonly address: string;
  readonly port: number;
}

const candidateLine = /^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+) .*$/i;

export function candidatesOf(sdp: string): Candidate[] {
  const all = new Map<string, Candidate>();
  for (const line of sdp.split(/\r?\n/)) {
    const [, protocol = "", address = "", port = ""] = candidateLine.exec(line) ?? [];
    const transport = protocol.toLowerCase();
    if (transport !== "tcp" && transport !== "udp") continue;
    const candidate: Candidate = { transport, address, port: Number(port) };
    all.set(candidateInWords(candidate), candidate);
  }
  return [...all.values()];
}

/** The answer without the candidates of the other transport: so the browser tries only this one. */
export function onlyTransport(sdp: string, transport: Transport): string {
  return sdp
    .split("\r\n")
    .filter((line) => {
      const protocol = candidateLine.exec(line)?.[1];
      return protocol === undefined || protocol.toLowerCase() === transport;
    })
    .join("\r\n");
}

export function candidateInWords({ transport, address, port }: Candidate): string {
  return `${transport} ${hostAndPort(address, port)}`;
}

export function hostAndPort(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

export function megabits(kbps: number): string {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbps` : `${Math.round(kbps)} kbps`;
}
