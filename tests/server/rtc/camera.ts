/**
 * H.264 that nobody could decode, in RTP that everybody takes: parameter sets, then fragments.
 *
 * @module
 */
import { concat } from "../../../core/bytes/mod.ts";
import { encodeRtpHeader } from "../../../core/wire/rtp/mod.ts";
import { type RtcClient, VIDEO_PAYLOAD_TYPE, VIDEO_SSRC } from "./client.ts";

const HEADER_BYTES = 12;
const FU_A = 28;
const FRAME_MILLIS = 1000 / 30;
/** SPS and PPS of 640x360, constrained baseline. */
const SPS = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11];
const PPS = [0x68, 0xcb, 0x83, 0xcb, 0x20];

export interface CameraOptions {
  /** Bytes of each fragment, FU header included. Default 1000. */
  readonly fragmentBytes?: number;
  /** First extended index. Default 100. */
  readonly index?: number;
}

/** Sends frames on a publisher's connection, and remembers what it sent. */
export class Camera {
  readonly client: RtcClient;
  /** Payloads in the order they were sent. */
  readonly payloads: Uint8Array[] = [];
  packets = 0;
  /** Whether payloads are remembered. */
  remembers = true;
  readonly #fragmentBytes: number;
  #index: number;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;
  /** PLIs that were seen. */
  #answered = 0;

  constructor(client: RtcClient, options: CameraOptions = {}) {
    this.client = client;
    this.#fragmentBytes = options.fragmentBytes ?? 1000;
    this.#index = options.index ?? 100;
  }

  /** Frames sent. */
  get frames(): number {
    return this.#frame;
  }

  /** How often a keyframe was asked for. */
  get requests(): number {
    return this.client.rtcp.filter(({ type }) => type === "pli").length;
  }

  /** One frame in one write. */
  send(keyframe: boolean, fragments = 3): void {
    const payloads: Uint8Array[] = [];
    if (keyframe) payloads.push(Uint8Array.from(SPS), Uint8Array.from(PPS));
    for (let i = 0; i < fragments; i++) payloads.push(this.#fragment(keyframe, i, fragments));
    const timestamp = (this.#frame++ * 3000) >>> 0;
    const framed = payloads.map((payload, i) => {
      const packet = new Uint8Array(HEADER_BYTES + payload.length);
      const index = this.#index++;
      const marker = i === payloads.length - 1;
      encodeRtpHeader(packet, 0, VIDEO_PAYLOAD_TYPE, marker, index & 0xffff, timestamp, VIDEO_SSRC);
      packet.set(payload, HEADER_BYTES);
      return this.client.peer.protect(packet, index);
    });
    this.packets += payloads.length;
    if (this.remembers) this.payloads.push(...payloads);
    this.client.write(concat(framed));
  }

  /** 30 frames per second, a keyframe first and whenever one is asked for. */
  run(fragments: number): void {
    let due = performance.now();
    let first = true;
    this.#timer = setInterval(() => {
      const now = performance.now();
      if (now < due) return;
      // A camera whose machine was busy leaves frames out: it does not send them all at once.
      due = Math.max(due + FRAME_MILLIS, now - FRAME_MILLIS);
      const wanted = first || this.requests > this.#answered;
      this.#answered = this.requests;
      first = false;
      this.send(wanted, fragments);
    }, 5);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #fragment(keyframe: boolean, i: number, of: number): Uint8Array {
    const payload = new Uint8Array(this.#fragmentBytes).fill(this.packets + i);
    const type = keyframe ? 5 : 1;
    payload[0] = 0x60 | FU_A;
    payload[1] = (i === 0 ? 0x80 : 0) | (i === of - 1 ? 0x40 : 0) | type;
    payload[2] = i === 0 ? 0x88 : 0x11; // first_mb_in_slice 0, in the first fragment
    new DataView(payload.buffer).setUint32(4, this.#frame);
    return payload;
  }
}

/** Whether a payload begins a keyframe of the camera. */
export function isParameterSet(payload: Uint8Array): boolean {
  return ((payload[0] ?? 0) & 0x1f) === 7;
}

/** What one viewer got of one camera. */
export class Screen {
  readonly client: RtcClient;
  readonly payloads: Uint8Array[] = [];
  packets = 0;
  /** Places where a sequence number is missing, doubled or out of order. */
  gaps = 0;
  /** Places where frames are missing, and those of them that do not go on with a keyframe. */
  jumps = 0;
  badJumps = 0;
  /** Frames whose last packet is missing. */
  torn = 0;
  /** Whether payloads are kept. */
  remembers = true;
  /** First payload of all, or since it was set to undefined. */
  first: Uint8Array | undefined;
  /** Number of the last frame. */
  frame = -1;
  #index = -1;
  #whole = true;
  #afterParameterSets = false;

  constructor(client: RtcClient) {
    this.client = client;
    client.onRtp = (header, packet, index) => {
      const payload = packet.subarray(header.payloadAt, header.payloadEnd);
      this.packets++;
      if (this.#index >= 0 && index !== this.#index + 1) this.gaps++;
      this.#index = index;
      this.first ??= payload;
      if (this.remembers) this.payloads.push(payload);
      this.#look(payload);
    };
  }

  #look(payload: Uint8Array): void {
    if (((payload[0] ?? 0) & 0x1f) !== FU_A) {
      this.#afterParameterSets = true;
      return;
    }
    const frame = frameOf(payload);
    const header = payload[1] ?? 0;
    if (frame !== this.frame) {
      if (!this.#whole) this.torn++;
      if (this.frame >= 0 && frame !== this.frame + 1) {
        this.jumps++;
        if (!this.#afterParameterSets) this.badJumps++;
      }
      if ((header & 0x80) === 0) this.torn++;
      this.frame = frame;
    }
    this.#whole = (header & 0x40) !== 0;
    this.#afterParameterSets = false;
  }
}

/** The camera's number of the frame that a fragment is of. */
function frameOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(4);
}
