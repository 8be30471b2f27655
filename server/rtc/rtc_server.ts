/**
 * WebRTC served: offers become sessions, connections find theirs, sessions meet in the hub.
 *
 * @module
 */
import type { Conn, Runtime } from "../../core/base/mod.ts";
import {
  type IceCredentials,
  makeIceCredentials,
} from "../../core/session/webrtc/ice_credentials.ts";
import {
  type Answer,
  isRefusal as isOfferRefusal,
  negotiatePlay,
  negotiatePublish,
  refusalOf,
} from "../../core/session/webrtc/negotiation/mod.ts";
import {
  Hub,
  type HubEvent,
  isBadStreamName,
  type PublishRefusal,
  parseStreamName,
  type StreamName,
  type SubscribeRefusal,
} from "../../core/stream/mod.ts";
import { decodeSdp, isSdpFault, type SessionDescription } from "../../core/wire/sdp/mod.ts";
import { PlainSrtpEngine } from "../../core/wire/srtp/mod.ts";
import type { DtlsIdentity } from "../certificates.ts";
import type { Config } from "../config/config.ts";
import type { ClientFacts, Facts, StreamFacts } from "../facts.ts";
import { Inflows, inflowBounds } from "../limits/inflow.ts";
import { RateLimit } from "../limits/rate_limit.ts";
import { Sessions } from "../limits/sessions.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { servesRtcTcp, servesRtcUdp } from "../port/listening.ts";
import type {
  SignalAnswer,
  Signalling,
  SignalRefusal,
  SignalRequest,
  SignalSession,
} from "../signal.ts";
import { type Client, clientFacts } from "./client.ts";
import { Clients } from "./clients.ts";
import { CNAME, type RtcContext, randomSsrc } from "./context.ts";
import { type Answered, CounterOffers } from "./counter_offers.ts";
import { FirstFrame } from "./first_frame.ts";
import { HubDriver } from "./hub_driver.ts";
import { handleHubEvent } from "./hub_events.ts";
import { layerWish } from "./layer_wish.ts";
import { liveFormats } from "./live_formats.ts";
import { localParameters } from "./local_parameters.ts";
import { type Accepted, openClient } from "./open_client.ts";
import { publishingRole, subscriberOptions, viewingRole } from "./roles.ts";
import type { RtcSession } from "./session.ts";
import { bridgeRefusal, sessionRefusal } from "./session_limits.ts";
import { signalSession } from "./signal_session.ts";
import { streamFacts } from "./stream_facts.ts";
import { UdpPort } from "./udp_port.ts";

/**
 * Checks of one session from addresses it does not know: a browser that moves makes a few. Each
 * costs a MAC, and who forges them hurts that session's new paths alone.
 */
const CHECKS_PER_SECOND = 50;

export interface RtcServerOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly certificate: DtlsIdentity;
}

export class RtcServer implements Signalling, Facts {
  readonly hub: Hub;
  readonly udp: UdpPort;
  readonly #runtime: Runtime;
  readonly #clients: Clients;
  /** What pushes and pulls need of it. */
  readonly context: RtcContext;
  /** Told of what happens to streams, after their clients. */
  readonly observers: ((event: HubEvent) => void)[] = [];
  readonly #firstFrame: FirstFrame;
  readonly #driver: HubDriver;
  readonly #counterOffers: CounterOffers;
  #refusesNew = false;

  constructor(options: RtcServerOptions) {
    const { runtime, config, metrics, certificate } = options;
    const engine = new PlainSrtpEngine(runtime.crypto);
    const sessions = new Sessions(config);
    this.#clients = new Clients(sessions);
    this.#runtime = runtime;
    this.hub = new Hub({
      engine,
      limits: {
        maxStreams: config["limits.streams"],
        maxWaitingViewers: config["limits.waiting_viewers"],
        maxLagMillis: config["vhost.play.max_lag"],
      },
      frames: {
        keyframeMillis: config["vhost.rtc.pli_for_rtmp"],
        gopMaxFrames: config["vhost.play.gop_cache_max_frames"],
        ofPackets: config["vhost.rtc.rtc_to_rtmp"],
      },
      wallClockAtZero: runtime.wallClock() - runtime.now(),
    });
    const key = runtime.crypto.privateKey(certificate.pkcs8);
    this.context = {
      ...options,
      dtlsCertificate: { chain: certificate.chain, key },
      engine,
      hub: this.hub,
      clients: this.#clients,
      sessions,
      inflows: new Inflows({ bounds: inflowBounds(config), now: () => runtime.now() }),
      drain: () => this.drain(),
    };
    metrics.follow(
      "monoport_retransmitted_packets_total",
      () => this.hub.totals().retransmittedPackets,
    );
    metrics.follow("monoport_viewer_falls_total", () => this.hub.totals().falls);
    metrics.follow("monoport_dropped_frames_total", () => this.hub.totals().droppedFrames);
    metrics.follow("monoport_dropped_packets_total", () => this.hub.totals().droppedPackets);
    metrics.follow("monoport_layer_switches_total", () => this.hub.totals().layerSwitches);
    this.#driver = new HubDriver(this.hub, runtime, (event) => {
      handleHubEvent(event, this.context);
      for (const observe of this.observers) observe(event);
    });
    this.#counterOffers = new CounterOffers({
      context: this.context,
      local: (request, name, ice) => this.#local(request, name, ice),
      open: (answered) => this.#openAnswered(answered),
    });
    const find = (ufrag: string): RtcSession | undefined => this.#clients.withUfrag(ufrag)?.session;
    const checks = new RateLimit({ perSecond: CHECKS_PER_SECOND });
    this.udp = new UdpPort({
      mayCheck: (ufrag) => checks.take(ufrag, runtime.now()) === 0,
      runtime,
      find,
      onFault: (fault) => metrics.fault(fault),
      onDrop: (reason) => metrics.count("monoport_datagrams_dropped_total", reason),
    });
    this.#firstFrame = new FirstFrame({
      runtime,
      millis: config["limits.first_bytes"],
      find,
      awaits: (ufrag) => this.#counterOffers.awaits(ufrag),
      onFault: (fault) => metrics.fault(fault),
      onLate: () => metrics.count("monoport_connections_shed_total", "first-stun-deadline"),
    });
  }

  /** To be called after anything that may have changed the hub. */
  drain(): void {
    this.#driver.drain();
  }

  get transports(): { readonly udp: boolean; readonly tcp: boolean } {
    const { config } = this.context;
    return { udp: servesRtcUdp(config), tcp: servesRtcTcp(config) };
  }

  /** Sessions at the moment. */
  get sessions(): number {
    return this.#clients.size;
  }

  /** Refuses new sessions from now on; those there are go on. */
  refuseNew(): void {
    this.#refusesNew = true;
  }

  /** Ends all sessions, each with its goodbye. */
  endSessions(): void {
    for (const client of this.#clients.all()) client.session.close();
    this.drain();
  }

  /** Takes a connection whose first bytes are RFC 4571 with STUN. */
  serve(conn: Conn, first: Uint8Array): void {
    this.#firstFrame.await(conn, first);
  }

  /** Closes up to `count` connections that have named no session yet; returns how many. */
  shedIdle(count: number): number {
    return this.#firstFrame.shed(count);
  }

  offer(request: SignalRequest): SignalAnswer | SignalRefusal {
    const { metrics } = this.context;
    const name = parseStreamName(request.app, request.stream);
    if (isBadStreamName(name)) return { status: 400, message: name.message };
    const invites = request.takesOffers && request.sdp === "";
    const sdp = invites ? NOTHING_OFFERED : decodeSdp(request.sdp);
    if (isSdpFault(sdp)) return refusalOf(sdp);
    const refusal = this.#refusal(request, name);
    if (refusal !== undefined) return refusal;
    const credentials = makeIceCredentials(this.#runtime.crypto);
    const made =
      request.action === "publish"
        ? this.#publish(request, name, sdp, credentials)
        : this.#play(request, name, sdp, credentials);
    if ("status" in made || made.type === "offer") return made;
    metrics.count("monoport_sessions_total", request.action);
    this.drain();
    return made;
  }

  session(id: string, token: string): SignalSession | undefined {
    const shown = (secret: string): boolean => this.sameSecret(secret, token);
    const client = this.#clients.withId(id);
    if (client === undefined) return this.#counterOffers.session(id, shown);
    return shown(client.token) ? signalSession(this.context, client) : undefined;
  }

  sameSecret(a: string, b: string): boolean {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    return this.#runtime.crypto.equal(bytes(a), bytes(b));
  }

  kick(id: string): boolean {
    const client = this.#clients.withId(id);
    client?.session.close();
    this.drain();
    return client !== undefined;
  }

  streams(): readonly StreamFacts[] {
    const now = this.#runtime.now();
    const wall = this.#runtime.wallClock();
    return [...this.hub.streams()].map((one) => streamFacts(one, this.#clients, now, wall));
  }

  clients(): readonly ClientFacts[] {
    const now = this.#runtime.now();
    return this.#clients.all().map((client) => clientFacts(client, now));
  }

  client(id: string): ClientFacts | undefined {
    const client = this.#clients.withId(id);
    return client && clientFacts(client, this.#runtime.now());
  }

  /** Ends all sessions. */
  close(): void {
    this.endSessions();
    this.#counterOffers.close();
    this.#firstFrame.close();
    this.#driver.close();
  }

  #publish(
    request: SignalRequest,
    name: StreamName,
    sdp: SessionDescription,
    ice: IceCredentials,
  ): SignalAnswer | SignalRefusal {
    const local = this.#local(request, name, ice);
    const answer = negotiatePublish(sdp, local);
    if (isOfferRefusal(answer)) return answer;
    const publisher = this.hub.publish(name, request.client, this.#runtime.now());
    if (publisher === "busy") {
      return {
        status: 409,
        message: `${name.key} is being published by another client`,
        retryAfterSeconds: 3,
      };
    }
    if (publisher === "too-many-streams")
      return { status: 503, message: TOO_MANY[publisher], retryAfterSeconds: 10 };
    publisher.way = "whip";
    const role = publishingRole(this.context, publisher, answer);
    const { candidates } = local;
    const accepted = { request, name, answer, ice, candidates, role };
    return answerOf(openClient(this.context, accepted), answer);
  }

  #play(
    request: SignalRequest,
    name: StreamName,
    sdp: SessionDescription,
    ice: IceCredentials,
  ): SignalAnswer | SignalRefusal {
    const stream = this.hub.stream(name.key);
    const unbridged = bridgeRefusal(this.context.config, stream);
    if (unbridged !== undefined) return unbridged;
    const layer = layerWish(request.layer, stream);
    if (typeof layer === "string") return { status: 400, message: layer };
    const local = this.#local(request, name, ice);
    const answer = negotiatePlay(sdp, local, liveFormats(this.hub, name));
    if (isOfferRefusal(answer)) {
      const counters = request.takesOffers && COUNTERED.includes(answer.code);
      return (counters && this.#counterOffers.make(request, name, answer.message)) || answer;
    }
    const { candidates } = local;
    return this.#view({ request, name, answer, ice, candidates }, sdp.extmapAllowMixed);
  }

  #view(accepted: Omit<Accepted, "role">, mixed: boolean): SignalAnswer | SignalRefusal {
    const { request, name, answer } = accepted;
    const layer = layerWish(request.layer, this.hub.stream(name.key));
    if (typeof layer === "string") return { status: 400, message: layer };
    const options = { ...subscriberOptions(answer, mixed), layer };
    const subscriber = this.hub.subscribe(name, options, this.#runtime.now());
    if (typeof subscriber === "string")
      return { status: 503, message: TOO_MANY[subscriber], retryAfterSeconds: 10 };
    const role = viewingRole(this.context, subscriber);
    return answerOf(openClient(this.context, { ...accepted, role }), answer);
  }

  /** The session of a counter-offer that was answered. */
  #openAnswered(answered: Answered): SignalRefusal | undefined {
    const refusal = this.#refusal(answered.request, answered.name);
    if (refusal !== undefined) return refusal;
    const made = this.#view({ ...answered, candidates: answered.local.candidates }, false);
    if ("status" in made) return made;
    this.context.metrics.count("monoport_sessions_total", "play");
    this.#firstFrame.retry();
    this.drain();
    return undefined;
  }

  /** Why nobody, or not this one, gets a new session. */
  #refusal(request: SignalRequest, name: StreamName): SignalRefusal | undefined {
    if (this.#refusesNew) return STOPPING;
    return sessionRefusal(this.context, request.address, name);
  }

  #local(
    request: SignalRequest,
    name: StreamName,
    ice: IceCredentials,
  ): ReturnType<typeof localParameters> {
    const { runtime, config, certificate } = this.context;
    return localParameters({
      runtime,
      config,
      request,
      name,
      ice,
      fingerprint: certificate.fingerprint,
      cname: CNAME,
      randomSsrc: () => randomSsrc(runtime),
    });
  }
}

function answerOf({ id, token, ice }: Client, { sdp }: Answer): SignalAnswer {
  return { sdp, type: "answer", id, token, etag: ice.etag };
}

/** What a POST without a body stands for: make me an offer. */
const NOTHING_OFFERED: SessionDescription = {
  origin: { username: "-", sessionId: "0", sessionVersion: "0", addressType: "IP4", address: "" },
  name: "-",
  iceLite: false,
  groups: [],
  msidSemantic: undefined,
  extmapAllowMixed: false,
  media: [],
};

/** Refusals of a viewer's offer that one of ours may help. */
const COUNTERED: readonly string[] = [
  "no-media",
  "no-codec",
  "no-codec-in-common",
  "not-bundled",
  "no-rtcp-mux",
];

const STOPPING: SignalRefusal = {
  status: 503,
  message: "This server is being stopped and takes nobody new",
  retryAfterSeconds: 1,
};

const TOO_MANY: Readonly<Record<Exclude<PublishRefusal, "busy"> | SubscribeRefusal, string>> = {
  "too-many-streams": "Too many streams (limits.streams)",
  "too-many-viewers": "Too many viewers of this stream",
  "too-many-waiting":
    "Nobody publishes this stream, and too many viewers wait for it (limits.waiting_viewers)",
};
