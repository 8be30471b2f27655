/**
 * What signalling (WHIP, WHEP, SRS's JSON API) asks of the WebRTC side, and what it answers.
 *
 * @module
 */

import type { IceCredentials } from "../core/session/webrtc/ice_credentials.ts";
import type { Candidates } from "./candidates/candidates.ts";
import type { Visit } from "./hooks/mod.ts";

/** Which layer of the video a viewer asks for, as he wrote it; empty where he did not. */
export interface LayerWords {
  /** A rid, or `auto`, `high`, `mid`, `low`. */
  readonly layer: string;
  /** Most lines of a picture, for `auto`. */
  readonly maxHeight: string;
}

/** A checked request to publish or to play; names are valid, the peer is admitted. */
export interface SignalRequest {
  readonly action: "publish" | "play";
  readonly app: string;
  readonly stream: string;
  /** The offer. */
  readonly sdp: string;
  /** What the answer offers to connect to. */
  readonly candidates: Candidates;
  /** Whether the request came through a proxy that speaks HTTP, which raw media cannot pass. */
  readonly proxied: boolean;
  /** The `codec` query: what to prefer; empty when there is none. */
  readonly codec: string;
  /** The queries `layer` and `max_height` of a viewer. */
  readonly layer: LayerWords;
  /** The peer's address, as seen behind trusted proxies. */
  readonly address: string;
  /**
   * Who it is, as far as can be told without credentials: a publisher who comes again takes over
   * from himself.
   */
  readonly client: string;
  /** Whether the client takes an offer where his own cannot be answered (WHEP). */
  readonly takesOffers: boolean;
  /** The bearer token that admission was asked with; empty when it came otherwise or not at all. */
  readonly bearer: string;
  /** What hooks know him by: his id, and whom to tell that he has left. */
  readonly visit?: Visit | undefined;
}

/** The session that was made. */
export interface SignalAnswer {
  readonly sdp: string;
  /** Public id, as in `/api/v1/clients`. */
  readonly id: string;
  /** What its owner shows to end it; nobody can guess it. */
  readonly token: string;
  /** Names the ICE session, without quotes. */
  readonly etag: string;
  /** `offer`: a counter-offer, to be answered within `COUNTER_OFFER_MILLIS`; there is no ETag yet. */
  readonly type: "answer" | "offer";
}

/** A stream, as one who watches it may know it. */
export interface WatchedStream {
  /** Whether somebody publishes it. */
  readonly active: boolean;
  readonly viewers: number;
  /** The layers of simulcast by the index of the session's m-line, as in the WHEP draft. */
  readonly layers: Readonly<Record<string, readonly WatchedLayer[]>>;
}

export interface WatchedLayer {
  readonly rid: string;
  readonly width: number;
  readonly height: number;
  /** Bits per second; 0 when it is not sent. */
  readonly bitrate: number;
}

/** A session, for whoever has shown its id and token. */
export interface SignalSession {
  readonly action: "publish" | "play";
  readonly app: string;
  readonly stream: string;
  /** The bearer token that admission was asked with; empty when there was none. */
  readonly bearer: string;
  /** Names the ICE session, without quotes. */
  readonly etag: string;
  /** The peer's own ICE credentials. */
  readonly peer: IceCredentials;
  /** How often ICE was restarted. */
  readonly restarts: number;
  /** Our ICE parameters, as `application/trickle-ice-sdpfrag`. */
  fragment(): string;
  /** Restarts ICE for a peer with new credentials; `etag` and `fragment` are new then. */
  restart(peer: IceCredentials): void;
  /** Puts a viewer onto another layer; a sentence when it cannot be. */
  chooseLayer(words: LayerWords): string | undefined;
  /** The stream it is for. */
  watched(): WatchedStream;
  /** Whether an offer of ours waits for its answer; there is no ICE session yet then. */
  readonly waits: boolean;
  /** Takes that answer. */
  answer(sdp: string): SignalRefusal | undefined;
  end(): void;
}

/** Why there is none. `message` is for people, in whole sentences or lines. */
export interface SignalRefusal {
  readonly status: 400 | 401 | 403 | 406 | 409 | 422 | 429 | 503;
  readonly message: string;
  /** For 409, 429 and 503: when to try again. */
  readonly retryAfterSeconds?: number;
}

export interface Signalling {
  offer(request: SignalRequest): SignalAnswer | SignalRefusal;
  /** The session with this id and token. */
  session(id: string, token: string): SignalSession | undefined;
  /** Whether two secrets are the same, in a time that does not tell where they differ. */
  sameSecret(a: string, b: string): boolean;
}

export function isRefusal(answer: SignalAnswer | SignalRefusal): answer is SignalRefusal {
  return "status" in answer;
}
