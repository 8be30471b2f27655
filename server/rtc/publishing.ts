/**
 * A publisher's session: what comes in goes to the hub, what the hub wants goes back as RTCP.
 *
 * @module
 */
import { type Fault, type Millis, NEVER } from "../../core/base/mod.ts";
import type { NegotiatedMedia } from "../../core/session/webrtc/negotiation/mod.ts";
import { PublishReceiver } from "../../core/session/webrtc/publish_receiver.ts";
import type { Publisher, SourceTrack } from "../../core/stream/mod.ts";
import type { RtcSession, SessionRole } from "./session.ts";

/**
 * Datagrams come one at a time, and viewers are served by the batch: what belongs to one frame is
 * gathered for so long at most. Browsers' pacers send in bursts that are 5 ms apart.
 */
const GATHER_MILLIS: Millis = 5;
const GATHERED_MAX = 64;
/** Of the last packet of a frame, in the second byte of RTP (RFC 3550 §5.1). */
const MARKER = 0x80;

export interface PublishingOptions {
  readonly publisher: Publisher;
  readonly media: readonly NegotiatedMedia[];
  readonly localSsrc: number;
  readonly cname: string;
  readonly nack: boolean;
  readonly twcc: boolean;
  readonly onFault: (fault: Fault) => void;
  /** Packets and bytes of plaintext RTP, to be counted. */
  readonly onReceived: (packets: number, bytes: number) => void;
}

export class Publishing implements SessionRole {
  readonly receiver: PublishReceiver;
  readonly publisher: Publisher;
  readonly #options: PublishingOptions;
  /** The layers of each line; one without simulcast. */
  readonly #tracks = new Map<NegotiatedMedia, readonly SourceTrack[]>();
  session: RtcSession | undefined;
  /** Gathered and not handed on yet. */
  #packets = 0;
  #bytes = 0;
  /** Whether what was gathered ends a frame. */
  #whole = false;
  #flushAt: Millis = NEVER;

  constructor(options: PublishingOptions) {
    this.#options = options;
    this.publisher = options.publisher;
    for (const line of options.media) {
      const layers = sourceTracks(line);
      this.#tracks.set(line, layers);
      for (const track of layers) this.publisher.addTrack(track);
    }
    this.receiver = new PublishReceiver({
      ...options,
      onPacket: (line, _ssrc, bytes, index, now, layer) => {
        const track = this.#tracks.get(line)?.[layer];
        if (track === undefined) return;
        this.#packets++;
        this.#bytes += bytes.length;
        this.#whole ||= line.kind === "audio" || ((bytes[1] ?? 0) & MARKER) !== 0;
        this.publisher.put(track, bytes, index, now);
      },
      onSenderReport: (ssrc, ntp, rtpTime, now) =>
        this.publisher.handleSenderReport(ssrc, ntp, rtpTime, now),
      onLost: (ssrc, now) => this.publisher.stream.handleLost(ssrc, now),
    });
  }

  /** Asks the publisher for a keyframe of `ssrc`. */
  requestKeyframe(ssrc: number): void {
    this.receiver.requestKeyframe(ssrc);
    this.session?.turn();
  }

  onConnected(): void {}

  onPath(there: boolean): void {
    this.publisher.connected = there;
  }

  onTurn(now: Millis): void {
    if (this.#packets > 0) this.#handOn(now);
    this.#sendRtcp(now);
  }

  /** What one read of a connection brought goes on at once. */
  #handOn(now: Millis): void {
    if (this.#flushAt === NEVER) this.#flushAt = now + GATHER_MILLIS;
    const waits = !this.#whole && this.#packets < GATHERED_MAX && now < this.#flushAt;
    if (waits && this.session?.framed === false) return;
    this.#options.onReceived(this.#packets, this.#bytes);
    this.#packets = 0;
    this.#bytes = 0;
    this.#whole = false;
    this.#flushAt = NEVER;
    this.publisher.flush(now);
  }

  onDrain(): void {}

  handleTimeout(): void {}

  nextTimeout(): Millis {
    if (!this.session?.connected) return NEVER;
    return Math.min(this.receiver.nextTimeout(), this.#flushAt);
  }

  onClosed(): void {
    this.publisher.end();
  }

  #sendRtcp(now: Millis): void {
    for (
      let packet = this.receiver.pollRtcp(now);
      packet !== undefined;
      packet = this.receiver.pollRtcp(now)
    ) {
      this.session?.sendRtcp(packet);
    }
  }
}

function sourceTracks(line: NegotiatedMedia): readonly SourceTrack[] {
  const track: SourceTrack = {
    kind: line.kind,
    formats: new Map(line.codecs.map((codec) => [codec.payloadType, codec.format])),
    extensions: new Map(line.extensions.map(({ uri, id }) => [uri, id])),
  };
  return line.rids.length === 0 ? [track] : line.rids.map((rid) => ({ ...track, rid }));
}
