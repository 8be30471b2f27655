/** Everybody who watches what is made once for all: FLV, MPEG-TS and AAC by HTTP and WebSocket, FLV by RTMP. @module */
import type { Runtime } from "../../core/base/mod.ts";
import { type AdtsBytes, adtsCast } from "../../core/egress/adts/mod.ts";
import type { CastMade, Framing } from "../../core/egress/cast/mod.ts";
import { type FlvTag, flvCast } from "../../core/egress/flv/mod.ts";
import { type TsPackets, type TsPiece, tsCast } from "../../core/egress/ts/mod.ts";
import type { Hub, StreamName } from "../../core/stream/mod.ts";
import type { Config } from "../config/config.ts";
import type { ClientFacts, MoreClients } from "../facts.ts";
import type { FrameSource } from "../frames/mod.ts";
import { type Door, enter, type Visit, type Visitor } from "../hooks/mod.ts";
import type { Sessions } from "../limits/sessions.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { word } from "../routes/envelope.ts";
import { streamId } from "../rtc/stream_facts.ts";
import { SERVER_NAME } from "../version.ts";
import { Broadcasts, type BroadcastsOptions } from "./broadcasts.ts";
import { type Format, type Outlet, Viewer, type ViewerFacts } from "./viewer.ts";

export interface CastsOptions extends Door {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly hub: Pick<Hub, "stream" | "size">;
  readonly sessions: Sessions;
  readonly frames: FrameSource;
}

/** What somebody wants to watch. */
export interface Wanted {
  readonly name: StreamName;
  readonly audio: "aac" | "opus";
  readonly type: ViewerFacts["type"];
  readonly address: string;
  readonly token: string;
  /** The query of his URL, without the mark. */
  readonly query: string;
  /** As an RTMP client names the server. */
  readonly tcUrl?: string;
  /** The page he comes from. */
  readonly pageUrl: string;
}

/** Who may watch. */
export interface Admitted extends Wanted {
  /** What hooks know him by; whoever does not let him play says that he has left. */
  readonly visit: Visit | undefined;
}

/** Why he cannot; `reason` is for people. */
export interface PlayRefusal {
  readonly status: 401 | 403 | 429 | 503;
  readonly reason: string;
}

export class Casts implements MoreClients {
  readonly #options: CastsOptions;
  /** Formats, for `play`. */
  readonly flv: Broadcasts<FlvTag, FlvTag>;
  readonly ts: Broadcasts<TsPiece, TsPackets>;
  readonly aac: Broadcasts<AdtsBytes, AdtsBytes>;
  readonly #viewers = new Map<string, Viewer>();
  #refuses = false;
  /** Of viewers who have left. */
  readonly #gone = { flv: { ...NOBODY }, ts: { ...NOBODY }, aac: { ...NOBODY } };

  constructor(options: CastsOptions) {
    this.#options = options;
    const { metrics } = options;
    const common = broadcastsOptions(options);
    this.flv = new Broadcasts({
      ...common,
      format: "flv",
      cast: (audio, more) => flvCast({ ...more, server: SERVER_NAME, opus: audio === "opus" }),
    });
    this.ts = new Broadcasts({ ...common, format: "ts", cast: (_, more) => tsCast(more) });
    this.aac = new Broadcasts({ ...common, format: "aac", cast: (_, more) => adtsCast(more) });
    this.#measure(metrics);
  }

  /** Viewers at the moment. */
  get sessions(): number {
    return this.#viewers.size;
  }

  /** Asks the limits, then admission and hooks; who is admitted may `play`. */
  async admit(wanted: Wanted): Promise<PlayRefusal | Admitted> {
    const { log, metrics } = this.#options;
    let refused = this.#limited(wanted);
    let visit: Visit | undefined;
    if (refused === undefined) {
      const entered = await enter(this.#options, visitor(wanted));
      if (entered.admitted) visit = entered.visit;
      // Others may have come while it was asked.
      refused = entered.admitted ? this.#limited(wanted) : entered;
    }
    if (refused === undefined) return { ...wanted, visit };
    visit?.left();
    const { address } = wanted;
    log.limited("info", "Refused to play", { reason: refused.reason, address });
    metrics.count("monoport_sessions_refused_total", String(refused.status));
    return refused;
  }

  /** Makes a viewer, who gets the stream as soon as there is one. */
  play<Piece, Made extends CastMade<Made>>(
    wanted: Admitted,
    broadcasts: Broadcasts<Piece, Made>,
    framing: Framing<Made>,
    outlet: Outlet,
  ): Viewer {
    const { runtime, log, metrics } = this.#options;
    const { name, address, type, visit } = wanted;
    const { format } = broadcasts;
    const id = visit?.id ?? word(runtime, 8);
    const facts = { id, name, address, type, format, since: runtime.now() };
    const session = this.#options.sessions.begin(address, name.key, "play");
    const left = (viewer: Viewer): void => {
      session[Symbol.dispose]();
      if (this.#left(viewer, wanted)) broadcasts.remove(wanted, viewer);
    };
    const viewer = broadcasts.add(
      wanted,
      framing,
      (source) => new Viewer(facts, source, outlet, runtime, left),
    );
    this.#viewers.set(facts.id, viewer);
    metrics.count("monoport_sessions_total", type);
    log.event("Playing", { stream: name.key, client: facts.id, address, protocol: type });
    visit?.began();
    // He gets the last group of pictures at once.
    viewer.feed(runtime.now());
    return viewer;
  }

  refuseNew(): void {
    this.#refuses = true;
  }

  close(): void {
    for (const viewer of this.#viewers.values()) viewer.end();
  }

  clients(): ClientFacts[] {
    return [...this.#viewers.values()].map((viewer) => this.#factsOf(viewer));
  }

  kick(id: string): boolean {
    const viewer = this.#viewers.get(id);
    viewer?.end();
    return viewer !== undefined;
  }

  publisherOf(): undefined {
    return undefined;
  }

  /** False when he had left already. */
  #left(viewer: Viewer, { name, visit }: Admitted): boolean {
    const { runtime, log } = this.#options;
    const { id, since } = viewer.facts;
    if (!this.#viewers.delete(id)) return false;
    visit?.left({ sentBytes: viewer.sentBytes, receivedBytes: 0 });
    const gone = this.#gone[viewer.facts.format];
    gone.sentBytes += viewer.sentBytes;
    gone.droppedFrames += viewer.droppedFrames;
    log.event("Session ended", {
      stream: name.key,
      client: id,
      action: "play",
      seconds: Math.round((runtime.now() - since) / 1000),
    });
    return true;
  }

  #limited({ name, address }: Wanted): PlayRefusal | undefined {
    const { config, hub, sessions } = this.#options;
    if (this.#refuses) return { status: 503, reason: "The server is about to end" };
    const full = sessions.refusal(address, name.key);
    if (full !== undefined) return { status: full.status, reason: full.message };
    const stream = hub.stream(name.key);
    if (stream === undefined && hub.size >= config["limits.streams"]) {
      return { status: 503, reason: "Too many streams (limits.streams)" };
    }
    if (!stream?.live && this.#waiting(name) >= config["limits.waiting_viewers"]) {
      const reason =
        "Nobody publishes this stream, and too many viewers wait for it (limits.waiting_viewers)";
      return { status: 503, reason };
    }
    return undefined;
  }

  #factsOf(viewer: Viewer): ClientFacts {
    const now = this.#options.runtime.now();
    const { id, name, address, type, since } = viewer.facts;
    return {
      id,
      streamId: streamId(name.key),
      app: name.app,
      name: name.stream,
      address,
      type,
      format: viewer.facts.format,
      alive: (now - since) / 1000,
      sentBytes: viewer.sentBytes,
      receivedBytes: 0,
      sentKbps: Math.round((viewer.rate.perSecond(now) * 8) / 1000),
      receivedKbps: 0,
      transport: "tcp",
      mapped: undefined,
      trouble: viewer.waits ? "waits for a picture" : "",
      droppedFrames: viewer.droppedFrames,
    };
  }

  #waiting(name: StreamName): number {
    return [this.flv, this.ts, this.aac].reduce((sum, one) => sum + one.waiting(name), 0);
  }

  #measure(metrics: Metrics): void {
    const kept = (): number => this.ts.keptBytes + this.aac.keptBytes;
    metrics.gauge("monoport_flv_viewers", "Viewers by FLV and RTMP", () => this.#count(FLV));
    metrics.gauge("monoport_flv_kept_bytes", "Bytes kept for them", () => this.flv.keptBytes);
    metrics.gauge("monoport_ts_viewers", "Viewers by MPEG-TS and AAC", () => this.#count(TS));
    metrics.gauge("monoport_ts_kept_bytes", "Bytes kept for them", kept);
    for (const [name, formats] of [
      ["flv", FLV],
      ["ts", TS],
    ] as const) {
      metrics.follow(`monoport_${name}_sent_bytes_total`, () => this.#sum("sentBytes", formats));
      metrics.follow(`monoport_${name}_dropped_frames_total`, () =>
        this.#sum("droppedFrames", formats),
      );
    }
  }

  #count(formats: readonly Format[]): number {
    let count = 0;
    for (const { facts } of this.#viewers.values()) if (formats.includes(facts.format)) count++;
    return count;
  }

  #sum(what: "sentBytes" | "droppedFrames", formats: readonly Format[]): number {
    let sum = 0;
    for (const format of formats) sum += this.#gone[format][what];
    for (const viewer of this.#viewers.values()) {
      if (formats.includes(viewer.facts.format)) sum += viewer[what];
    }
    return sum;
  }
}

/** As they are counted. */
const FLV: readonly Format[] = ["flv"];
const TS: readonly Format[] = ["ts", "aac"];
const NOBODY = { sentBytes: 0, droppedFrames: 0 };

/** What all formats have in common. */
function broadcastsOptions({
  runtime,
  config,
  frames,
  metrics,
}: CastsOptions): Omit<BroadcastsOptions<never, never>, "cast" | "format"> {
  return {
    runtime,
    frames,
    mergeMillis: config["vhost.play.mw_latency"],
    lagMillis: config["vhost.play.queue_length"],
    gopCache: config["vhost.play.gop_cache"],
    onEnded: (_, reason) => metrics.count("monoport_sessions_ended_total", reason),
  };
}

/** As SRS tells hooks of him. */
function visitor({ name, address, token, query, tcUrl, pageUrl }: Wanted): Visitor {
  const { app, stream } = name;
  return {
    action: "play",
    app,
    stream,
    token,
    address,
    param: query === "" ? "" : `?${query}`,
    tcUrl: tcUrl ?? `rtmp://__defaultVhost__/${app}`,
    pageUrl,
  };
}
