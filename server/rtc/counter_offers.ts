/**
 * Offers of ours that wait for a viewer's answer (draft-ietf-wish-whep-03 §4.2.2).
 *
 * @module
 */
import type { Millis } from "../../core/base/mod.ts";
import {
  type IceCredentials,
  makeIceCredentials,
} from "../../core/session/webrtc/ice_credentials.ts";
import {
  type Answer,
  applyViewerAnswer,
  isRefusal,
  type LocalParameters,
  makeCounterOffer,
  type Offer,
  refusalOf,
} from "../../core/session/webrtc/negotiation/mod.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import { decodeSdp, isSdpFault } from "../../core/wire/sdp/mod.ts";
import { addressKey } from "../limits/address_key.ts";
import { Quota } from "../limits/quota.ts";
import type { SignalAnswer, SignalRefusal, SignalRequest, SignalSession } from "../signal.ts";
import type { RtcContext } from "./context.ts";
import { liveFormats } from "./live_formats.ts";
import { makeNames, type SessionNames } from "./open_client.ts";
import { signalSession } from "./signal_session.ts";

/** So long an offer is valid that says nothing of it, and a second for the way. */
export const COUNTER_OFFER_MILLIS: Millis = 31_000;
/** Offers that wait at a time, in all and of one address. */
export const COUNTER_OFFERS_MAX = 1000;
export const COUNTER_OFFERS_PER_ADDRESS = 50;

export interface CounterOffersOptions {
  readonly context: RtcContext;
  /** Our side of an offer. */
  readonly local: (
    request: SignalRequest,
    name: StreamName,
    ice: IceCredentials,
  ) => LocalParameters;
  /** Opens the session; the client it is of is in the table then. */
  readonly open: (answered: Answered) => SignalRefusal | undefined;
}

interface Waiting {
  readonly request: SignalRequest;
  readonly name: StreamName;
  readonly names: SessionNames;
  readonly ice: IceCredentials;
  readonly local: LocalParameters;
  readonly offer: Offer;
  readonly until: Millis;
}

/** An offer with its answer. */
export interface Answered extends Waiting {
  readonly answer: Answer;
}

export class CounterOffers {
  readonly #options: CounterOffersOptions;
  /** By id of the session to be, the oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #ufrags = new Set<string>();
  readonly #quota = new Quota({
    total: COUNTER_OFFERS_MAX,
    perAddress: COUNTER_OFFERS_PER_ADDRESS,
  });
  #timer: Disposable | undefined;

  constructor(options: CounterOffersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** An offer for who cannot be answered, `why` in words; `undefined` when too many wait. */
  make(request: SignalRequest, name: StreamName, why: string): SignalAnswer | undefined {
    if (this.#quota.take(addressKey(request.address)) !== undefined) return undefined;
    const { runtime, hub, metrics, log } = this.#options.context;
    const ice = makeIceCredentials(runtime.crypto);
    const local = this.#options.local(request, name, ice);
    const offer = makeCounterOffer(local, liveFormats(hub, name), why);
    const names = makeNames(runtime, request);
    const until = runtime.now() + COUNTER_OFFER_MILLIS;
    // The offer that was of no use is not kept: it may be long.
    const asked = { ...request, sdp: "" };
    this.#waiting.set(names.id, { request: asked, name, names, ice, local, offer, until });
    this.#ufrags.add(ice.ufrag);
    this.#sweep();
    metrics.count("monoport_counter_offers_total");
    log.event("Offering to play", {
      stream: name.key,
      client: names.id,
      address: request.address,
      reason: why,
    });
    return { sdp: offer.sdp, type: "offer", ...names, etag: "" };
  }

  /** Whether a viewer may show this ufrag before his answer is here. */
  awaits(ufrag: string): boolean {
    return this.#ufrags.has(ufrag);
  }

  /** The session to be. */
  session(id: string, shown: (token: string) => boolean): SignalSession | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || !shown(waiting.names.token)) return undefined;
    const { request, name } = waiting;
    let opened: SignalSession | undefined;
    return {
      action: "play",
      app: name.app,
      stream: name.stream,
      bearer: request.bearer,
      get etag() {
        return opened?.etag ?? "";
      },
      peer: { ufrag: "", pwd: "" },
      restarts: 0,
      fragment: () => "",
      restart: () => {},
      get waits() {
        return opened === undefined;
      },
      answer: (sdp) => {
        const refusal = this.#answer(waiting, sdp);
        if (refusal !== undefined) return refusal;
        const { context } = this.#options;
        const client = context.clients.withId(id);
        opened = client && signalSession(context, client);
        return undefined;
      },
      watched: () => ({ active: false, viewers: 0, layers: {} }),
      chooseLayer: () => "This session has not begun: its offer waits for the answer",
      end: () => this.#abandon(waiting),
    };
  }

  close(): void {
    this.#timer?.[Symbol.dispose]();
    for (const waiting of [...this.#waiting.values()]) this.#abandon(waiting);
  }

  /** What is refused may be answered again while there is time. */
  #answer(waiting: Waiting, text: string): SignalRefusal | undefined {
    // While the body was on its way another answer may have come, or the time have run out.
    if (this.#waiting.get(waiting.names.id) !== waiting) {
      return { status: 409, message: "No offer of this session waits for an answer" };
    }
    const sdp = decodeSdp(text);
    if (isSdpFault(sdp)) return refusalOf(sdp);
    const { offer, local, name } = waiting;
    const { hub } = this.#options.context;
    const answer = applyViewerAnswer(offer, sdp, local, liveFormats(hub, name));
    if (isRefusal(answer)) return answer;
    const refusal = this.#options.open({ ...waiting, answer });
    if (refusal === undefined) this.#delete(waiting);
    return refusal;
  }

  /** It was not answered. */
  #abandon(waiting: Waiting): void {
    this.#delete(waiting);
    waiting.request.visit?.left();
  }

  #delete({ names, ice, request }: Waiting): void {
    if (!this.#waiting.delete(names.id)) return;
    this.#ufrags.delete(ice.ufrag);
    this.#quota.give(addressKey(request.address));
  }

  #sweep(): void {
    const { runtime } = this.#options.context;
    const [oldest] = this.#waiting.values();
    if (oldest === undefined || this.#timer !== undefined) return;
    this.#timer = runtime.wakeAt(oldest.until, () => {
      this.#timer = undefined;
      for (const waiting of this.#waiting.values()) {
        if (waiting.until > runtime.now()) break;
        this.#abandon(waiting);
      }
      this.#sweep();
    });
  }
}
