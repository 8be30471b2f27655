/**
 * WebRTC served: offers become sessions, connections find theirs, sessions meet in the hub.
 *
 * @module
 */
import type { Conn, Runtime } from "../../core/base/mod.ts";
import type { DtlsCertificate } from "../../core/session/webrtc/dtls/mod.ts";
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
  type CloseReason,
  type MediaSink,
  WebRtcTransport,
} from "../../core/session/webrtc/transport.ts";
import {
  Hub,
  type HubEvent,
  isBadStreamName,
  type Publisher,
  type PublishRefusal,
  parseStreamName,
  type StreamName,
  type SubscribeRefusal,
  type Subscriber,
} from "../../core/stream/mod.ts";
import { decodeSdp, isSdpFault, type SessionDescription } from "../../core/wire/sdp/mod.ts";
import { PlainSrtpEngine } from "../../core/wire/srtp/mod.ts";
import type { DtlsIdentity } from "../certificates.ts";
import type { Config } from "../config.ts";
import type { ClientFacts, Facts, StreamFacts } from "../facts.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { word } from "../routes/envelope.ts";
import type { SignalAnswer, Signalling, SignalRefusal, SignalRequest } from "../signal.ts";
import { Client, clientFacts } from "./client.ts";
import { FirstFrame } from "./first_frame.ts";
import { HubDriver } from "./hub_driver.ts";
import { localParameters } from "./local_parameters.ts";
import { Publishing } from "./publishing.ts";
import { RtcSession, type SessionRole } from "./session.ts";
import { streamFacts } from "./stream_facts.ts";
import { Viewing, viewerTrack } from "./viewing.ts";

export interface RtcServerOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly certificate: DtlsIdentity;
}

export class RtcServer implements Signalling, Facts {
  readonly hub: Hub;
  readonly #options: RtcServerOptions;
  readonly #runtime: Runtime;
  readonly #engine: PlainSrtpEngine;
  readonly #certificate: DtlsCertificate;
  readonly #byUfrag = new Map<string, Client>();
  readonly #byId = new Map<string, Client>();
  readonly #byPublisher = new Map<Publisher, Client>();
  readonly #bySubscriber = new Map<Subscriber, Client>();
  readonly #firstFrame: FirstFrame;
  readonly #driver: HubDriver;

  constructor(options: RtcServerOptions) {
    const { runtime, config } = options;
    this.#options = options;
    this.#runtime = runtime;
    this.#engine = new PlainSrtpEngine(runtime.crypto);
    this.#certificate = {
      chain: options.certificate.chain,
      key: runtime.crypto.privateKey(options.certificate.pkcs8),
    };
    this.hub = new Hub({
      engine: this.#engine,
      limits: {
        maxStreams: config["limits.streams"],
        maxWaitingViewers: config["limits.waiting_viewers"],
        maxLagMillis: config["vhost.play.max_lag"],
      },
      wallClockAtZero: runtime.wallClock() - runtime.now(),
    });
    const { metrics } = options;
    metrics.follow("monoport_dropped_frames_total", () => this.hub.totals().droppedFrames);
    metrics.follow("monoport_dropped_packets_total", () => this.hub.totals().droppedPackets);
    this.#driver = new HubDriver(this.hub, runtime, (event) => this.#handleEvent(event));
    this.#firstFrame = new FirstFrame({
      runtime,
      millis: config["limits.first_bytes"],
      find: (ufrag) => this.#byUfrag.get(ufrag)?.session,
      onFault: (fault) => options.metrics.fault(fault),
      onLate: () => options.metrics.count("monoport_connections_shed_total", "first-stun-deadline"),
    });
  }

  /** To be called after anything that may have changed the hub. */
  drain(): void {
    this.#driver.drain();
  }

  /** Sessions at the moment. */
  get sessions(): number {
    return this.#byUfrag.size;
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
    const { metrics, config } = this.#options;
    const name = parseStreamName(request.app, request.stream);
    if (isBadStreamName(name)) return { status: 400, message: name.message };
    const sdp = decodeSdp(request.sdp);
    if (isSdpFault(sdp)) return refusalOf(sdp);
    if (this.#byUfrag.size >= config["limits.sessions"]) {
      return { status: 503, message: "Too many sessions (limits.sessions)", retryAfterSeconds: 10 };
    }
    const credentials = makeIceCredentials(this.#runtime.crypto);
    const made =
      request.action === "publish"
        ? this.#publish(request, name, sdp, credentials)
        : this.#play(request, name, sdp, credentials);
    if ("status" in made) return made;
    metrics.count("monoport_sessions_total", request.action);
    this.drain();
    return made;
  }

  end(id: string, token: string): boolean {
    const client = this.#byId.get(id);
    if (client === undefined || !this.#equal(client.token, token)) return false;
    client.session.close();
    this.drain();
    return true;
  }

  kick(id: string): boolean {
    const client = this.#byId.get(id);
    client?.session.close();
    this.drain();
    return client !== undefined;
  }

  streams(): readonly StreamFacts[] {
    const now = this.#runtime.now();
    const wall = this.#runtime.wallClock();
    return [...this.hub.streams()].map((stream) => {
      const client = stream.publisher && this.#byPublisher.get(stream.publisher);
      return streamFacts(stream, client?.id, now, wall);
    });
  }

  clients(): readonly ClientFacts[] {
    const now = this.#runtime.now();
    return [...this.#byId.values()].map((client) => clientFacts(client, now));
  }

  /** Ends all sessions. */
  close(): void {
    for (const client of [...this.#byId.values()]) client.session.close();
    this.#firstFrame.close();
    this.#driver.close();
  }

  #publish(
    request: SignalRequest,
    name: StreamName,
    sdp: SessionDescription,
    ice: IceCredentials,
  ): SignalAnswer | SignalRefusal {
    const answer = negotiatePublish(sdp, this.#local(request, name, ice));
    if (isOfferRefusal(answer)) return answer;
    const now = this.#runtime.now();
    const publisher = this.hub.publish(name, request.client, now);
    if (publisher === "busy") {
      return {
        status: 409,
        message: `${name.key} is being published by another client`,
        retryAfterSeconds: 3,
      };
    }
    if (publisher === "too-many-streams")
      return { status: 503, message: TOO_MANY[publisher], retryAfterSeconds: 10 };
    const { config, metrics } = this.#options;
    const role = new Publishing({
      publisher,
      media: answer.media,
      localSsrc: this.#randomSsrc(),
      cname: CNAME,
      nack: config["vhost.rtc.nack"],
      twcc: config["vhost.rtc.twcc"],
      onFault: (fault) => metrics.fault(fault),
      onReceived: (packets, bytes) => {
        metrics.count("monoport_received_packets_total", "", packets);
        metrics.count("monoport_received_bytes_total", "", bytes);
      },
    });
    const client = this.#admit(request, name, answer, ice, role, role.receiver);
    role.session = client.session;
    client.publishing = role;
    this.#byPublisher.set(publisher, client);
    return { sdp: answer.sdp, id: client.id, token: client.token };
  }

  #play(
    request: SignalRequest,
    name: StreamName,
    sdp: SessionDescription,
    ice: IceCredentials,
  ): SignalAnswer | SignalRefusal {
    const stream = this.hub.stream(name.key);
    const live = [stream?.video.format, stream?.audio.format].filter(
      (format) => format !== undefined,
    );
    const answer = negotiatePlay(sdp, this.#local(request, name, ice), live);
    if (isOfferRefusal(answer)) return answer;
    const { metrics } = this.#options;
    const lines = new Map(
      answer.media.map((line) => [line.kind, viewerTrack(line, sdp.extmapAllowMixed)]),
    );
    const audio = lines.get("audio");
    const video = lines.get("video");
    const subscriber = this.hub.subscribe(
      name,
      { ...(audio && { audio }), ...(video && { video }) },
      this.#runtime.now(),
    );
    if (typeof subscriber === "string")
      return { status: 503, message: TOO_MANY[subscriber], retryAfterSeconds: 10 };
    const role = new Viewing({
      subscriber,
      engine: this.#engine,
      cname: CNAME,
      onFault: (fault) => metrics.fault(fault),
      onSent: (packets, bytes) => {
        metrics.count("monoport_sent_packets_total", "", packets);
        metrics.count("monoport_sent_bytes_total", "", bytes);
      },
    });
    const client = this.#admit(request, name, answer, ice, role, role.feedback);
    role.session = client.session;
    client.viewing = role;
    this.#bySubscriber.set(subscriber, client);
    return { sdp: answer.sdp, id: client.id, token: client.token };
  }

  /** Makes the session of an accepted offer. */
  #admit(
    request: SignalRequest,
    name: StreamName,
    answer: Answer,
    ice: IceCredentials,
    role: SessionRole,
    sink: MediaSink,
  ): Client {
    const runtime = this.#runtime;
    const { config, log, metrics } = this.#options;
    const transport = new WebRtcTransport({
      crypto: runtime.crypto,
      ice,
      dtlsRole: answer.remote.dtlsRole,
      certificate: this.#certificate,
      peerFingerprints: answer.remote.fingerprints,
      sink,
      consentMillis: config["vhost.rtc.stun_timeout"],
      now: runtime.now(),
    });
    const session = new RtcSession({
      runtime,
      transport,
      role,
      onFault: (fault) => metrics.fault(fault),
      onError: (error) => log.limited("error", "A session failed", { error: String(error) }),
      afterInput: () => this.drain(),
      onClosed: (reason, fault) => this.#forget(client, reason, fault?.toString()),
    });
    const client = new Client({
      id: word(runtime, 8),
      token: word(runtime, 32),
      ufrag: ice.ufrag,
      action: request.action,
      name,
      address: request.address,
      session,
      since: runtime.now(),
    });
    this.#byUfrag.set(ice.ufrag, client);
    this.#byId.set(client.id, client);
    log.info(request.action === "publish" ? "Publishing" : "Playing", {
      stream: name.key,
      client: client.id,
      address: request.address,
    });
    return client;
  }

  #forget(client: Client, reason: CloseReason, fault: string | undefined): void {
    this.#byUfrag.delete(client.ufrag);
    this.#byId.delete(client.id);
    if (client.publishing) this.#byPublisher.delete(client.publishing.publisher);
    if (client.viewing) this.#bySubscriber.delete(client.viewing.subscriber);
    const { log, metrics } = this.#options;
    metrics.count("monoport_sessions_ended_total", reason);
    const seconds = Math.round((this.#runtime.now() - client.since) / 1000);
    log.info("Session ended", {
      stream: client.name.key,
      client: client.id,
      action: client.action,
      reason,
      fault,
      seconds,
    });
  }

  #local(
    request: SignalRequest,
    name: StreamName,
    ice: IceCredentials,
  ): ReturnType<typeof localParameters> {
    const { runtime, config, certificate } = this.#options;
    return localParameters({
      runtime,
      config,
      request,
      name,
      ice,
      fingerprint: certificate.fingerprint,
      cname: CNAME,
      randomSsrc: () => this.#randomSsrc(),
    });
  }

  #randomSsrc(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#runtime.crypto.random(4);
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  }

  #equal(a: string, b: string): boolean {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    return this.#runtime.crypto.equal(bytes(a), bytes(b));
  }

  #handleEvent(event: HubEvent): void {
    const { log, metrics } = this.#options;
    switch (event.type) {
      case "published":
      case "unpublished":
        log.info(event.type === "published" ? "Stream is live" : "Stream is gone", {
          stream: event.stream.name.key,
        });
        break;
      case "publisher-replaced":
        this.#byPublisher.get(event.publisher)?.session.close();
        break;
      case "keyframe-request":
        metrics.count("monoport_keyframe_requests_total");
        this.#byPublisher.get(event.publisher)?.publishing?.requestKeyframe(event.ssrc);
        break;
      case "viewer-stalled":
        log.info("A viewer takes nothing any more", {
          stream: event.stream.name.key,
          client: this.#bySubscriber.get(event.subscriber)?.id,
        });
        this.#bySubscriber.get(event.subscriber)?.session.close();
        break;
      case "format":
      case "viewer-state":
        break;
      default:
        event satisfies never;
    }
  }
}

const CNAME = "monoport";

const TOO_MANY: Readonly<Record<Exclude<PublishRefusal, "busy"> | SubscribeRefusal, string>> = {
  "too-many-streams": "Too many streams (limits.streams)",
  "too-many-viewers": "Too many viewers of this stream",
  "too-many-waiting":
    "Nobody publishes this stream, and too many viewers wait for it (limits.waiting_viewers)",
};
