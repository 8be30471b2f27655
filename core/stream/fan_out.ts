import type { Millis, PacketId, SenderId, SrtpEngine } from "../base/mod.ts";
import { type Batch, BatchPart } from "./batch.ts";
import {
  AUDIO_MASK,
  DATAGRAM_MASK,
  engineRtxTrack,
  engineTrack,
  type Shape,
  VIDEO_MASK,
} from "./shape.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Track } from "./track.ts";
import { ALL, EACH, NONE, type ViewerTrack } from "./viewer_track.ts";

const NOTHING = new BatchPart();

/**
 * Sends batches to viewers. Viewers in step, who get all of a kind, are sealed in one call per
 * shape; the others one by one with what they get. Scratch arrays are reused from batch to batch.
 */
export class FanOut {
  readonly #engine: SrtpEngine;
  readonly #viewers = new Map<SenderId, Subscriber>();
  readonly #touched: Shape[] = [];
  readonly #list: PacketId[] = [];
  readonly #one: SenderId[] = [0];
  /** What the seal under way holds. */
  #audio: BatchPart = NOTHING;
  #video: BatchPart = NOTHING;
  readonly #someAudio = new BatchPart();
  readonly #someVideo = new BatchPart();
  #now: Millis = 0;
  #begun = false;
  /** Who is being given datagrams, and how much it was so far. */
  #receiver: Subscriber | undefined;
  #receiverId: SenderId = -1;
  #receivedBytes = 0;

  constructor(engine: SrtpEngine) {
    this.#engine = engine;
  }

  add(sender: SenderId, viewer: Subscriber): void {
    this.#viewers.set(sender, viewer);
  }

  remove(sender: SenderId): void {
    this.#viewers.delete(sender);
  }

  /**
   * Sends `batch`, which is of the stream's `audio` and of its layer `video`, to who may have it.
   * True when a track began for somebody.
   */
  run(
    batch: Batch,
    audio: Track,
    video: Track,
    viewers: readonly Subscriber[],
    now: Millis,
  ): boolean {
    this.#now = now;
    this.#begun = false;
    const touched = this.#touched;
    for (const viewer of viewers) {
      const { sender, sink } = viewer;
      if (sender === undefined || sink === undefined) continue;
      // A batch of a layer alone, and he has another.
      if (batch.audio.packets === 0 && !wantsVideo(viewer, video)) continue;
      viewer.look(now);
      if (viewer.shape.begun !== batch) {
        viewer.shape.begin(batch);
        touched.push(viewer.shape);
      }
      this.#offer(batch, audio, video, viewer, sender);
    }
    for (const shape of touched) this.#sealGroups(batch, audio, video, shape);
    touched.length = 0;
    this.#engine.clearPackets();
    return this.#begun;
  }

  /** Puts a viewer into his group, or serves him alone. */
  #offer(batch: Batch, audio: Track, video: Track, viewer: Subscriber, sender: SenderId): void {
    const { gate } = viewer;
    const audioStep = stepOf(viewer.audio, audio, batch.audio, gate.audio);
    const videoStep = stepOf(viewer.video, video, batch.video, gate.video);
    if (audioStep === EACH || videoStep === EACH) {
      this.#sealEach(batch, audio, video, viewer, audioStep !== NONE, videoStep !== NONE);
      return;
    }
    const mask = (audioStep === ALL ? AUDIO_MASK : 0) | (videoStep === ALL ? VIDEO_MASK : 0);
    if (mask === 0) return;
    const way = viewer.sink?.framed === false ? DATAGRAM_MASK : 0;
    viewer.shape.groups[mask | way]?.push(sender);
  }

  #sealGroups(batch: Batch, audio: Track, video: Track, shape: Shape): void {
    for (let mask = 1; mask < shape.groups.length; mask++) {
      const group = shape.groups[mask];
      if (group === undefined || group.length === 0) continue;
      const list = shape.list(this.#engine, batch, audio, video, mask);
      this.#audio = (mask & AUDIO_MASK) === 0 ? NOTHING : batch.audio;
      this.#video = (mask & VIDEO_MASK) === 0 ? NOTHING : batch.video;
      this.#seal(group, list, (mask & DATAGRAM_MASK) === 0);
      group.length = 0;
    }
    shape.end();
  }

  /** Packet by packet for one viewer; a new run of a track ends what is sealed at once. */
  #sealEach(
    batch: Batch,
    audio: Track,
    video: Track,
    viewer: Subscriber,
    withAudio: boolean,
    withVideo: boolean,
  ): void {
    const { gate } = viewer;
    for (let at = 0; at < batch.packets.length; at++) {
      const packet = batch.packets[at];
      if (packet === undefined) continue;
      const isAudio = packet.kind === "audio";
      const track = isAudio ? viewer.audio : viewer.video;
      if (track === undefined || !(isAudio ? withAudio : withVideo)) continue;
      const { runs } = track;
      const open = isAudio ? gate.audio : gate.video;
      if (!track.takes(packet, isAudio ? audio : video, open, gate.cut)) continue;
      if (track.runs !== runs) {
        this.#sealList(viewer);
        this.#begin(viewer, track);
      }
      this.#list.push(viewer.shape.idOf(this.#engine, packet, isAudio ? audio : video, at));
      (isAudio ? this.#someAudio : this.#someVideo).add(packet);
    }
    this.#sealList(viewer);
  }

  #sealList(viewer: Subscriber): void {
    const { sender } = viewer;
    if (this.#list.length > 0 && sender !== undefined) {
      this.#audio = this.#someAudio;
      this.#video = this.#someVideo;
      this.#one[0] = sender;
      this.#seal(this.#one, this.#list, viewer.sink?.framed !== false);
    }
    this.#list.length = 0;
    this.#someAudio.clear();
    this.#someVideo.clear();
  }

  /** A run of a track begins: its numbers change. */
  #begin(viewer: Subscriber, track: ViewerTrack): void {
    const { sender } = viewer;
    if (sender === undefined) return;
    this.#engine.setTrack(sender, engineTrack(track.kind), track.rewrite());
    const rtx = track.rtxRewrite();
    if (rtx !== undefined) this.#engine.setTrack(sender, engineRtxTrack(track.kind), rtx);
    this.#begun = true;
    // Lips must be in step from the first picture on.
    viewer.reportAt = this.#now;
  }

  #seal(senders: readonly SenderId[], packets: readonly PacketId[], framed: boolean): void {
    this.#engine.seal(senders, packets, framed, framed ? this.#onSealed : this.#onDatagram);
    if (!framed) this.#settle();
  }

  readonly #onSealed = (sender: SenderId, bytes: Uint8Array): boolean => {
    const viewer = this.#viewers.get(sender);
    if (viewer === undefined || bytes.length === 0) return false;
    this.#account(viewer, sender, bytes.length);
    return viewer.sink?.deliver(bytes, this.#audio.packets + this.#video.packets) === true;
  };

  /** One packet; the engine is done with one viewer before it turns to the next. */
  readonly #onDatagram = (sender: SenderId, bytes: Uint8Array): void => {
    if (sender !== this.#receiverId) {
      this.#settle();
      this.#receiver = this.#viewers.get(sender);
      this.#receiverId = sender;
    }
    this.#receivedBytes += bytes.length;
    this.#receiver?.datagram(bytes, this.#now);
  };

  /** Counts what the last viewer was given in datagrams. */
  #settle(): void {
    if (this.#receiver) this.#account(this.#receiver, this.#receiverId, this.#receivedBytes);
    this.#receiver = undefined;
    this.#receiverId = -1;
    this.#receivedBytes = 0;
  }

  #account(viewer: Subscriber, sender: SenderId, bytes: number): void {
    const audio = this.#audio;
    const video = this.#video;
    if (audio.packets > 0) viewer.audio?.sent(audio);
    if (video.packets > 0) viewer.video?.sent(video);
    const transport = viewer.shape.transport ? this.#engine.nextTransportSequence(sender) : -1;
    viewer.sent(bytes, audio.packets + video.packets, transport, this.#now);
  }
}

function wantsVideo({ video }: Subscriber, track: Track): boolean {
  return video !== undefined && (video.source === track || video.target === track);
}

function stepOf(
  viewer: ViewerTrack | undefined,
  track: Track,
  part: BatchPart,
  open: boolean,
): number {
  if (viewer === undefined || part.packets === 0) return NONE;
  if (viewer.source !== track) return viewer.stepAside(track, part, open);
  if (viewer.epoch !== track.epoch) viewer.adopt();
  return viewer.step(part, open);
}
