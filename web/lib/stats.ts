/** What getStats() says, as the few figures a person asks for. @module */

export interface Figures {
  /** Of the pair that carries media; empty until there is one. */
  readonly protocol: string;
  /** The server's address and port of that pair. */
  readonly remote: string;
  /** `host` when the server sees this browser's own address, `prflx` behind a NAT. */
  readonly localType: string;
  readonly roundTripMillis: number | undefined;
  readonly videoKbps: number;
  readonly audioKbps: number;
  readonly framesPerSecond: number;
  readonly width: number;
  readonly height: number;
  /** As in `H264`; empty for none. */
  readonly videoCodec: string;
  readonly audioCodec: string;
  /** Of all packets since the beginning; of those sent, as the server reports it. */
  readonly packetsLost: number;
  readonly packets: number;
  /** Decoded when playing, encoded when publishing. */
  readonly frames: number;
  /** Samples of sound received, for playing; 0 when publishing. */
  readonly audioSamples: number;
  readonly keyframes: number;
  /** How long frames wait for late ones before they are shown; playing only. */
  readonly jitterBufferMillis: number | undefined;
  /** What holds the picture's quality down: `cpu`, `bandwidth` or empty; publishing only. */
  readonly limitation: string;
}

/** The members of RTCStatsReport entries that are read here (webrtc-stats). */
interface Entry extends RTCStats {
  readonly kind?: string;
  readonly bytesReceived?: number;
  readonly bytesSent?: number;
  readonly packetsReceived?: number;
  readonly packetsSent?: number;
  readonly packetsLost?: number;
  readonly framesDecoded?: number;
  readonly framesEncoded?: number;
  readonly keyFramesDecoded?: number;
  readonly keyFramesEncoded?: number;
  readonly totalSamplesReceived?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly framesPerSecond?: number;
  readonly codecId?: string;
  readonly mimeType?: string;
  readonly remoteId?: string;
  readonly roundTripTime?: number;
  readonly selectedCandidatePairId?: string;
  readonly nominated?: boolean;
  readonly selected?: boolean;
  readonly state?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly currentRoundTripTime?: number;
  readonly protocol?: string;
  readonly candidateType?: string;
  readonly address?: string;
  readonly port?: number;
  readonly jitterBufferDelay?: number;
  readonly jitterBufferEmittedCount?: number;
  readonly qualityLimitationReason?: string;
  readonly active?: boolean;
}

type Report = ReadonlyMap<string, Entry>;

/** Reads figures again and again; rates are over the time since the reading before. */
export class StatsReader {
  readonly #pc: RTCPeerConnection;
  /** Per entry and counter: its value and time at the last reading. */
  readonly #before = new Map<string, { readonly value: number; readonly millis: number }>();

  constructor(pc: RTCPeerConnection) {
    this.#pc = pc;
  }

  async read(): Promise<Figures> {
    const report = new Map<string, Entry>();
    (await this.#pc.getStats()).forEach((entry: Entry) => {
      report.set(entry.id, entry);
    });
    const streams = [...report.values()].filter(
      ({ type }) => type === "inbound-rtp" || type === "outbound-rtp",
    );
    const video = streams.filter(({ kind }) => kind === "video");
    const audio = streams.filter(({ kind }) => kind === "audio");
    const reports = streams.map(({ remoteId }) => report.get(remoteId ?? ""));
    return {
      ...path(report, reports),
      ...this.#picture(video),
      videoKbps: this.#kbps(video),
      audioKbps: this.#kbps(audio),
      videoCodec: codecOf(report, video),
      audioCodec: codecOf(report, audio),
      packetsLost: sum([...streams, ...reports], (one) => one.packetsLost),
      packets: sum(streams, (one) => one.packetsReceived ?? one.packetsSent),
      audioSamples: sum(audio, (one) => one.totalSamplesReceived),
    };
  }

  #picture(
    video: readonly Entry[],
  ): Pick<
    Figures,
    | "framesPerSecond"
    | "width"
    | "height"
    | "frames"
    | "keyframes"
    | "jitterBufferMillis"
    | "limitation"
  > {
    // With simulcast the largest one tells the size.
    const largest = video.reduce<Entry | undefined>(
      (best, one) => ((best?.frameWidth ?? -1) >= (one.frameWidth ?? 0) ? best : one),
      undefined,
    );
    const frames = sum(largest === undefined ? [] : [largest], framesOf);
    return {
      framesPerSecond: this.#rate(`${largest?.id} frames`, frames, largest?.timestamp ?? 0),
      width: largest?.frameWidth ?? 0,
      height: largest?.frameHeight ?? 0,
      frames,
      keyframes: sum(video, (one) => one.keyFramesDecoded ?? one.keyFramesEncoded),
      jitterBufferMillis:
        largest?.jitterBufferDelay === undefined || !largest.jitterBufferEmittedCount
          ? undefined
          : (largest.jitterBufferDelay / largest.jitterBufferEmittedCount) * 1000,
      limitation: limitationOf(largest?.qualityLimitationReason),
    };
  }

  #kbps(streams: readonly Entry[]): number {
    const perSecond = sum(streams, (one) =>
      this.#rate(`${one.id} bytes`, one.bytesReceived ?? one.bytesSent ?? 0, one.timestamp),
    );
    return (perSecond * 8) / 1000;
  }

  /** Growth per second; 0 at the first reading. */
  #rate(name: string, value: number, millis: number): number {
    const before = this.#before.get(name);
    this.#before.set(name, { value, millis });
    if (before === undefined || millis <= before.millis) return 0;
    return Math.max(0, ((value - before.value) * 1000) / (millis - before.millis));
  }
}

/** The candidate pair that carries media. Firefox has no `selectedCandidatePairId`. */
function path(
  report: Report,
  reports: readonly (Entry | undefined)[],
): Pick<Figures, "protocol" | "remote" | "localType" | "roundTripMillis"> {
  const entries = [...report.values()];
  const transport = entries.find(({ type }) => type === "transport");
  const pairs = entries.filter(({ type }) => type === "candidate-pair");
  const pair =
    report.get(transport?.selectedCandidatePairId ?? "") ??
    pairs.find(({ selected }) => selected) ??
    pairs.find(({ nominated, state }) => nominated && state === "succeeded");
  const remote = report.get(pair?.remoteCandidateId ?? "");
  const local = report.get(pair?.localCandidateId ?? "");
  const reported = reports.find((one) => one?.roundTripTime !== undefined)?.roundTripTime;
  const roundTrip = reported ?? pair?.currentRoundTripTime;
  return {
    protocol: local?.protocol ?? remote?.protocol ?? "",
    localType: local?.candidateType ?? "",
    remote: remote?.address === undefined ? "" : `${remote.address}:${remote.port}`,
    roundTripMillis: roundTrip === undefined ? undefined : roundTrip * 1000,
  };
}

function framesOf(one: Entry): number | undefined {
  return one.framesDecoded ?? one.framesEncoded;
}

function codecOf(report: Report, streams: readonly Entry[]): string {
  for (const { codecId } of streams) {
    const mimeType = report.get(codecId ?? "")?.mimeType;
    if (mimeType !== undefined) return mimeType.slice(mimeType.indexOf("/") + 1);
  }
  return "";
}

function limitationOf(reason: string | undefined): string {
  return reason === undefined || reason === "none" ? "" : reason;
}

function sum(
  entries: readonly (Entry | undefined)[],
  of: (entry: Entry) => number | undefined,
): number {
  let total = 0;
  for (const entry of entries) total += entry === undefined ? 0 : (of(entry) ?? 0);
  return total;
}

/** The figures in words, in the order in which they are looked for. */
export function figuresInWords(figures: Figures): (readonly [name: string, value: string])[] {
  const { protocol, remote, roundTripMillis, width, height, packets, packetsLost } = figures;
  const lost = packets === 0 ? "" : `${packetsLost} of ${packets}`;
  return [
    ["connection", protocol === "" ? "" : `${protocol.toUpperCase()} to ${remote}`],
    ["video", [figures.videoCodec, width === 0 ? "" : `${width}×${height}`].join(" ").trim()],
    ["frame rate", figures.framesPerSecond === 0 ? "" : `${figures.framesPerSecond.toFixed(1)} /s`],
    ["bitrate", rateInWords(figures.videoKbps + figures.audioKbps)],
    ["sound", figures.audioCodec.toUpperCase()],
    ["round trip", roundTripMillis === undefined ? "" : `${roundTripMillis.toFixed(0)} ms`],
    ["packets lost", lost],
  ];
}

export function rateInWords(kbps: number): string {
  if (kbps <= 0) return "";
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(2)} Mbps` : `${kbps.toFixed(0)} kbps`;
}
