/** The ICE side of a session as signalling sees it: whose credentials hold, and what names them. @module */
import type { Runtime } from "../../core/base/mod.ts";
import { type Candidate, candidateInSdp } from "../../core/session/webrtc/candidate.ts";
import {
  type IceCredentials,
  makeIceCredentials,
} from "../../core/session/webrtc/ice_credentials.ts";
import { ICE_OPTIONS, type NegotiatedMedia } from "../../core/session/webrtc/negotiation/mod.ts";
import { encodeSdpFragment } from "../../core/wire/sdp/mod.ts";
import { word } from "../routes/envelope.ts";

export interface IceSessionOptions {
  readonly runtime: Runtime;
  readonly local: IceCredentials;
  readonly remote: IceCredentials;
  readonly candidates: readonly Candidate[];
  /** The lines agreed on; the first is the offerer-tagged one. */
  readonly media: readonly NegotiatedMedia[];
}

export class IceSession {
  readonly #options: IceSessionOptions;
  #etag: string;
  #local: IceCredentials;
  #remote: IceCredentials;
  #restarts = 0;

  constructor(options: IceSessionOptions) {
    this.#options = options;
    this.#etag = word(options.runtime, 12);
    this.#local = options.local;
    this.#remote = options.remote;
  }

  /** The strong entity-tag of this ICE session, without quotes (RFC 9725 §4.3.1). */
  get etag(): string {
    return this.#etag;
  }

  /** Index of the video line among the m-lines; -1 without one. */
  get videoLine(): number {
    return this.#options.media.find(({ kind }) => kind === "video")?.index ?? -1;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** What the peer calls himself now. */
  get remote(): IceCredentials {
    return this.#remote;
  }

  /** New credentials on both sides and a new entity-tag; returns ours. */
  restart(remote: IceCredentials): IceCredentials {
    const { runtime } = this.#options;
    this.#remote = remote;
    this.#local = makeIceCredentials(runtime.crypto);
    this.#etag = word(runtime, 12);
    this.#restarts++;
    return this.#local;
  }

  /** Our side as an SDP fragment: that of the offerer-tagged line (RFC 9725 §4.3.3). */
  fragment(): string {
    const { media, candidates } = this.#options;
    const [tagged] = media;
    const mids = media.flatMap(({ mid }) => mid ?? []);
    return encodeSdpFragment({
      // As in the answer: a restart may not change them.
      iceLite: true,
      iceOptions: ICE_OPTIONS,
      bundle: mids,
      credentials: this.#local,
      media: [
        {
          kind: tagged?.kind ?? "video",
          protocol: "UDP/TLS/RTP/SAVPF",
          formats: [`${tagged?.codecs[0]?.payloadType ?? 0}`],
          mid: tagged?.mid,
          candidates: candidates.map(candidateInSdp),
          endOfCandidates: true,
        },
      ],
    });
  }
}
