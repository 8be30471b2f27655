/**
 * One session with another server, from the offer to the end: a stream pushed (the far end is a
 * viewer of ours) or pulled (it is our publisher).
 *
 * @module
 */
import { type Conn, type Endpoint, type Fault, isFault, type Millis } from "../../core/base/mod.ts";
import { type Format, sameFormat } from "../../core/media/mod.ts";
import { activeCandidate } from "../../core/session/webrtc/candidate.ts";
import { IceControlling } from "../../core/session/webrtc/ice_controlling.ts";
import { makeIceCredentials } from "../../core/session/webrtc/ice_credentials.ts";
import {
  type AppliedAnswer,
  applyAnswer,
  isRefusal,
  type LocalParameters,
  makeOffer,
  type Offer,
  RECEIVED_FORMATS,
} from "../../core/session/webrtc/negotiation/mod.ts";
import { WebRtcTransport } from "../../core/session/webrtc/transport.ts";
import {
  type Publisher,
  receivedPerSecond,
  type StreamName,
  type Subscriber,
} from "../../core/stream/mod.ts";
import { decodeSdp, isSdpFault } from "../../core/wire/sdp/mod.ts";
import { CNAME, randomSsrc } from "../rtc/context.ts";
import { sessionId } from "../rtc/local_parameters.ts";
import type { Publishing } from "../rtc/publishing.ts";
import { publishingRole, subscriberOptions, viewingRole } from "../rtc/roles.ts";
import { type EndReason, RtcSession } from "../rtc/session.ts";
import type { Viewing } from "../rtc/viewing.ts";
import type { RelayContext } from "./context.ts";
import { Dialer } from "./dialer.ts";
import { type FarCandidates, farCandidates } from "./far_candidates.ts";
import { RequestFailed } from "./http_answer.ts";
import type { RelayKind } from "./rules.ts";
import { type Accepted, deleteSession, postOffer } from "./signalling.ts";
import { UdpDialer } from "./udp_dialer.ts";
import { refusesVia } from "./via.ts";

export interface LinkOptions {
  readonly context: RelayContext;
  readonly id: string;
  readonly kind: RelayKind;
  readonly name: StreamName;
  readonly url: URL;
  readonly token: (url: URL) => string | undefined;
  /** The servers that those who want the stream came by, for a pull. */
  readonly via: readonly string[];
  /** DTLS is done. */
  readonly onConnected: () => void;
  /** It is over, for this reason. Once, and not when it was closed by its owner. */
  readonly onEnded: (why: string) => void;
}

export class Link {
  readonly #options: LinkOptions;
  #accepted: Accepted | undefined;
  #session: RtcSession | undefined;
  #dialer: Dialer | undefined;
  #far: FarCandidates | undefined;
  #connected = false;
  /** The connection was lost and another one is not there yet. */
  #dialsAgain = false;
  #over = false;
  #why = "";
  /** The kinds of media that were offered. */
  #offered: ReadonlySet<string> = new Set();
  publishing: Publishing | undefined;
  viewing: Viewing | undefined;
  /** The servers a pulled stream has passed. */
  farVia: readonly string[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get publisher(): Publisher | undefined {
    return this.publishing?.publisher;
  }

  get subscriber(): Subscriber | undefined {
    return this.viewing?.subscriber;
  }

  /**
   * Offers, and dials what the far end answers.
   *
   * @throws {RequestFailed | Refused}
   */
  async open(): Promise<void> {
    const { context, kind, name, url, token } = this.#options;
    const ice = makeIceCredentials(context.rtc.runtime.crypto);
    const formats = kind === "push" ? this.#liveFormats() : RECEIVED_FORMATS;
    let made: { readonly offer: Offer; readonly local: LocalParameters } | undefined;
    const accepted = await postOffer(context.client, {
      url,
      token,
      via: [...(kind === "push" ? context.via(name.key) : this.#options.via), context.self],
      wallClock: () => context.rtc.runtime.wallClock(),
      offer: (end) => {
        const local = this.#local(ice, end);
        const direction = kind === "push" ? "sendonly" : "recvonly";
        made = { local, offer: makeOffer({ local, direction, formats, iceLite: false }) };
        return made.offer.sdp;
      },
    });
    this.#accepted = accepted;
    if (this.#over) this.#delete();
    else if (made !== undefined) this.#take(accepted, made.offer, made.local);
  }

  /** Says goodbye. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#dialer?.stop();
    this.#session?.close();
    this.#delete();
    this.#options.context.rtc.drain();
  }

  /** Asks the far end of a pull for a keyframe. */
  requestKeyframe(ssrc: number): void {
    this.publishing?.requestKeyframe(ssrc);
  }

  /** What carries the media. */
  get transport(): "tcp" | "udp" | undefined {
    return this.#session?.selected?.transport;
  }

  /** Bits per second of media. */
  bitrate(now: Millis): number {
    const stream = this.publisher?.stream;
    const received = stream ? receivedPerSecond(stream, now) : 0;
    return 8 * (received + (this.subscriber?.byteRate.perSecond(now) ?? 0));
  }

  /** Whether the stream sends what the far end was not offered, or has refused. */
  isOutdated(): boolean {
    const { subscriber } = this;
    if (subscriber === undefined) return false;
    return (["audio", "video"] as const).some((kind) => {
      const { format } = subscriber.stream.track(kind);
      if (format === undefined) return false;
      const taken = subscriber.track(kind)?.options.formats;
      return taken === undefined
        ? !this.#offered.has(kind)
        : !taken.some((one) => sameFormat(one.format, format));
    });
  }

  #liveFormats(): Format[] {
    const { context, name } = this.#options;
    const stream = context.rtc.hub.stream(name.key);
    const formats = (["video", "audio"] as const).flatMap((kind) => {
      const live = stream?.track(kind).format;
      const meant = [...(stream?.publisher?.[kind]?.formats.values() ?? [])];
      return live === undefined ? meant : [live];
    });
    if (formats.length === 0) throw new RequestFailed(`${name.key} sends nothing yet`);
    this.#offered = new Set(formats.map(({ channels }) => (channels === 0 ? "video" : "audio")));
    return formats;
  }

  #local(ice: { ufrag: string; pwd: string }, end: Endpoint): LocalParameters {
    const { rtc } = this.#options.context;
    const { runtime, config } = rtc;
    return {
      ...ice,
      fingerprint: `sha-256 ${rtc.certificate.fingerprint}`,
      candidates: [activeCandidate(end.host)],
      sessionId: sessionId(runtime),
      preferredCodec: undefined,
      declinedFeedback: [
        ...(config["vhost.rtc.nack"] ? [] : ["nack"]),
        ...(config["vhost.rtc.twcc"] ? [] : ["transport-cc"]),
      ],
      randomSsrc: () => randomSsrc(runtime),
      cname: CNAME,
      streamName: this.#options.name.key,
    };
  }

  #take(accepted: Accepted, offer: Offer, local: LocalParameters): void {
    const { context, kind } = this.#options;
    const loop = kind === "pull" ? refusesVia(accepted.via, context.self) : undefined;
    const answer = loop === undefined ? readAnswer(accepted, offer, local) : loop;
    const problem = typeof answer === "string" ? answer : this.#join(answer);
    if (problem !== undefined) {
      this.#over = true;
      this.#delete();
      context.rtc.drain();
      throw new RequestFailed(problem);
    }
    this.farVia = accepted.via;
    this.#connect(accepted, answer as AppliedAnswer, local);
    context.rtc.drain();
  }

  /** Takes the stream's place in the hub; words when it cannot be had. */
  #join(answer: AppliedAnswer): string | undefined {
    const { context, kind, name, id } = this.#options;
    const now = context.rtc.runtime.now();
    if (kind === "pull") {
      const publisher = context.rtc.hub.publish(name, `relay ${id}`, now);
      if (publisher === "busy") return `${name.key} is published here by another client`;
      if (publisher === "too-many-streams") return "Too many streams (limits.streams)";
      // The far end may have nothing to send: whoever publishes here goes first until it does.
      publisher.provisional = true;
      publisher.way = "pull";
      this.publishing = publishingRole(context.rtc, publisher, answer);
    } else {
      const subscriber = context.rtc.hub.subscribe(name, subscriberOptions(answer, false), now);
      if (typeof subscriber === "string") return `${name.key} has too many viewers`;
      this.viewing = viewingRole(context.rtc, subscriber);
    }
    return undefined;
  }

  #connect(accepted: Accepted, answer: AppliedAnswer, local: LocalParameters): void {
    const { rtc, allow } = this.#options.context;
    const { runtime, config, metrics } = rtc;
    const role = this.publishing ?? this.viewing;
    if (role === undefined) return;
    const now = runtime.now();
    const consentMillis = config["vhost.rtc.stun_timeout"];
    const agent = new IceControlling({
      local,
      remote: answer.remote,
      crypto: runtime.crypto,
      now,
      consentMillis,
    });
    const transport = new WebRtcTransport({
      crypto: runtime.crypto,
      ice: local,
      agent,
      dtlsRole: answer.remote.dtlsRole,
      certificate: rtc.dtlsCertificate,
      peerFingerprints: answer.remote.fingerprints,
      sink: this.publishing?.receiver ?? this.viewing?.feedback ?? NOBODY,
      now,
    });
    const session = new RtcSession({
      runtime,
      transport,
      role,
      onFault: (fault) => metrics.fault(fault),
      onError: (error) => rtc.log.limited("error", "A relay failed", { error: String(error) }),
      afterInput: () => this.#afterInput(),
      onPath: (path) => {
        this.#dialsAgain = false;
        metrics.count("monoport_paths_selected_total", path.transport);
      },
      onClosed: (reason, fault) => this.#closed(reason, fault),
    });
    role.session = session;
    this.#session = session;
    const signaller = { host: accepted.url.hostname, address: accepted.address };
    const far = farCandidates(answer.candidates, signaller, allow);
    if (far.tcp.length + far.udp.length === 0) {
      const why =
        far.passedOver.length === 0
          ? "The far end's answer names no address to connect to"
          : `The far end names ${far.passedOver.join(", ")}, which is not its own address and not listed in relay.allow`;
      this.#fail(why);
      return;
    }
    this.#far = far;
    this.#dial(session, () => this.#over || this.#connected);
  }

  #dial(session: RtcSession, done: () => boolean): void {
    const { runtime } = this.#options.context.rtc;
    const { tcp = [], udp = [] } = this.#far ?? {};
    this.#dialer = new Dialer({
      runtime,
      tcp,
      udp,
      attach: (conn: Conn) => session.attach(conn, new Uint8Array(0)),
      openUdp: (to) => new UdpDialer(runtime, session).dial(to, done),
      done,
      onFailed: (why) => this.#fail(why),
    });
    this.#dialer.start();
  }

  #afterInput(): void {
    const { context, onConnected } = this.#options;
    if (!this.#connected && this.#session?.connected) {
      this.#connected = true;
      onConnected();
    }
    const session = this.#session;
    if (this.#connected && session?.reachable === false && !this.#over) this.#dialAgain(session);
    context.rtc.drain();
  }

  /** The connection broke; another one goes on with the same keys, if the far end is as patient. */
  #dialAgain(session: RtcSession): void {
    if (this.#dialsAgain) return;
    this.#dialsAgain = true;
    this.#dialer?.stop();
    this.#dial(session, () => this.#over || session.reachable);
  }

  #fail(why: string): void {
    if (this.#over) return;
    this.#why = why;
    if (this.#session === undefined) this.#closed("local", undefined);
    else this.#session.close();
    this.#options.context.rtc.drain();
  }

  #closed(reason: EndReason, fault: Fault | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#dialer?.stop();
    this.#delete();
    this.#options.onEnded(this.#why || whyClosed(reason, fault));
  }

  #delete(): void {
    const session = this.#accepted?.session;
    if (session === undefined) return;
    const { context, token } = this.#options;
    deleteSession(context.client, session, token).catch((error: unknown) => {
      context.rtc.log.limited("error", "A relay's DELETE failed", { error: String(error) });
    });
  }
}

const NOBODY = { onRtp: (): void => {}, onRtcp: (): void => {} };

function readAnswer(
  accepted: Accepted,
  offer: Offer,
  local: LocalParameters,
): AppliedAnswer | string {
  const sdp = decodeSdp(accepted.sdp);
  if (isSdpFault(sdp)) return `The far end's answer is no SDP: ${sdp.message}`;
  const answer = applyAnswer(offer, sdp, local);
  return isRefusal(answer) ? `The far end's answer cannot be used. ${answer.message}` : answer;
}

function whyClosed(reason: EndReason, fault: Fault | undefined): string {
  switch (reason) {
    case "peer":
      return "The far end ended the session";
    case "local":
      return "The session was ended here";
    case "dtls":
      return `The DTLS handshake with the far end failed${isFault(fault) ? `: ${fault.code}` : ""}`;
    case "unreached":
      return "The far end does not answer at the addresses it names";
    case "grace":
      return "The connection to the far end was lost";
    case "consent":
      return "The far end answers no more";
    default:
      return `The session ended: ${String(reason)}`;
  }
}
