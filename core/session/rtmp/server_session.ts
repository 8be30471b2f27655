/**
 * The server side of one RTMP connection (RTMP 1.0, Adobe 2012) as a state machine.
 *
 * ```
 *  handshake --C2--> connecting --connect--> idle --publish|play--> asking --accept--> publishing | playing
 *                                              ^                      |                       |
 *                                              |<------ refuse -------+  (closes)             |
 *                                              +<------------ deleteStream, FCUnpublish ------+
 * ```
 *
 * Encoders differ in what they send between `connect` and `publish`: ffmpeg releaseStream, FCPublish,
 * createStream, _checkbw; OBS the same and a chunk size; GStreamer createStream alone. All of it is
 * answered, none is asked for but `connect` and `createStream`'s answer.
 *
 * @module
 */
import {
  type CryptoProvider,
  Fault,
  isFault,
  type Machine,
  type Millis,
  Queue,
  Timers,
} from "../../base/mod.ts";
import { u8, u16, u32 } from "../../bytes/mod.ts";
import { type Amf0Value, decodeAmf0, isAmf0Object } from "../../wire/amf0/mod.ts";
import {
  ChunkReader,
  ChunkStreamId,
  encodeControl,
  encodeMessage,
  encodeUserControl,
  MessageType,
  type RtmpMessage,
  UserControl,
} from "../../wire/rtmp/mod.ts";
import type { RtmpEvent } from "./event.ts";
import { HandshakeInput } from "./handshake_input.ts";
import {
  CHUNK_BYTES,
  encodeConnected,
  encodeResult,
  encodeSampleAccess,
  encodeStatus,
  STREAM_ID,
  WINDOW_BYTES,
} from "./replies.ts";
import { targetOf } from "./target.ts";

/** Commands of one connection, which publishes or plays for a few of them. */
export const COMMANDS_MAX = 64;

/** Tags of one aggregate message: each is an event. */
export const AGGREGATE_TAGS_MAX = 1024;
export const BAD_COMMAND: Fault = /* @__PURE__ */ fault("bad-command", "RTMP 1.0 §7.1.1");
export const NOT_CONNECTED: Fault = /* @__PURE__ */ fault("not-connected", "RTMP 1.0 §7.2.1.1");
export const TOO_MANY_COMMANDS: Fault = /* @__PURE__ */ fault("too-many-commands", "RTMP 1.0 §7.2");
export const SILENT: Fault = /* @__PURE__ */ fault("silent", "RTMP 1.0 §5.2");
export const BAD_AGGREGATE: Fault = /* @__PURE__ */ fault("bad-aggregate", "RTMP 1.0 §7.1.6");

export interface RtmpServerOptions {
  readonly crypto: Pick<CryptoProvider, "hmac" | "random" | "equal">;
  readonly now: Millis;
  /** Until `publish` or `play`. Default 10,000 ms. */
  readonly setupMillis?: Millis;
  /** Silence of a publisher that ends him. Default 30,000 ms. */
  readonly silenceMillis?: Millis;
}

type Phase = "handshake" | "connecting" | "idle" | "asking" | "publishing" | "playing" | "closed";

export class RtmpServerSession implements Machine<Uint8Array, Uint8Array, RtmpEvent> {
  readonly #setupMillis: Millis;
  readonly #silenceMillis: Millis;
  readonly #handshake: HandshakeInput;
  readonly reader: ChunkReader = new ChunkReader();
  readonly #timers = new Timers<"setup" | "silence">();
  readonly #transmits = new Queue<Uint8Array>();
  readonly #events = new Queue<RtmpEvent>();
  #phase: Phase = "handshake";
  #app = "";
  #tcUrl = "";
  #wants: "publish" | "play" = "publish";
  #commands = 0;
  #received = 0;
  #acknowledged = 0;
  /** The peer's window; 0 until he names one. */
  #peerWindow = WINDOW_BYTES;

  constructor(options: RtmpServerOptions) {
    this.#handshake = new HandshakeInput(options.crypto);
    this.#silenceMillis = options.silenceMillis ?? 30_000;
    this.#setupMillis = options.setupMillis ?? 10_000;
    this.#timers.arm("setup", options.now + this.#setupMillis);
  }

  get closed(): boolean {
    return this.#phase === "closed";
  }

  /** Bytes that are kept of what is not whole. */
  get keptBytes(): number {
    return this.#handshake.buffered + this.reader.buffered;
  }

  handleInput(bytes: Uint8Array, now: Millis): void {
    if (this.#phase === "closed") return;
    let input = bytes;
    if (this.#phase === "handshake") {
      const rest = this.#handshake.push(bytes, this.#transmits);
      if (rest === undefined) return;
      if (isFault(rest)) {
        this.#fail(rest);
        return;
      }
      this.#phase = "connecting";
      input = rest;
    }
    this.#acknowledge(bytes.length);
    if (this.#phase === "publishing") this.#timers.arm("silence", now + this.#silenceMillis);
    this.reader.push(input);
    for (let message = this.reader.poll(); message; message = this.reader.poll()) {
      if (isFault(message)) {
        this.#fail(message);
        return;
      }
      this.#handleMessage(message, now);
      if (this.closed) return;
    }
  }

  handleTimeout(now: Millis): void {
    if (this.#timers.expire(now) !== undefined && !this.closed) this.#fail(SILENT);
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): RtmpEvent | undefined {
    return this.#events.shift();
  }

  nextTimeout(): Millis {
    return this.#timers.next();
  }

  /** Lets the client do what its `publish` or `play` event asked for. */
  accept(now: Millis): void {
    if (this.#phase !== "asking") return;
    this.#timers.stop("setup");
    if (this.#wants === "publish") {
      this.#phase = "publishing";
      this.#timers.arm("silence", now + this.#silenceMillis);
      this.#status("status", "NetStream.Publish.Start", "Publishing");
      return;
    }
    this.#phase = "playing";
    this.#transmits.push(encodeUserControl(UserControl.StreamBegin, STREAM_ID));
    this.#status("status", "NetStream.Play.Reset", "Playing and resetting");
    this.#status("status", "NetStream.Play.Start", "Playing");
    this.#transmits.push(encodeSampleAccess());
  }

  /** Refuses it with a reason for people, and closes. */
  refuse(busy: boolean, reason: string): void {
    if (this.#phase !== "asking") return;
    const code = busy
      ? "NetStream.Publish.BadName"
      : this.#wants === "publish"
        ? "NetStream.Publish.Denied"
        : "NetStream.Play.Failed";
    this.#status("error", code, reason);
    this.#close();
  }

  /** Sends a message of the stream that is being played; `payload` is an FLV tag body. */
  send(type: "audio" | "video", timestamp: number, payload: Uint8Array): void {
    if (this.#phase !== "playing") return;
    const audio = type === "audio";
    const message = {
      chunkStream: audio ? ChunkStreamId.Audio : ChunkStreamId.Video,
      type: audio ? MessageType.Audio : MessageType.Video,
      stream: STREAM_ID,
      timestamp,
      payload,
    };
    this.#transmits.push(encodeMessage(message, CHUNK_BYTES));
  }

  /** Says that the stream is over, or why a publisher is sent away, and closes. */
  end(why?: string): void {
    if (this.#phase === "playing") {
      this.#transmits.push(encodeUserControl(UserControl.StreamEof, STREAM_ID));
      this.#status("status", "NetStream.Play.UnpublishNotify", "The stream is over");
    } else if (this.#phase === "publishing" && why !== undefined) {
      this.#status("error", "NetStream.Publish.Denied", why);
    } else if (this.#phase === "publishing") {
      this.#status("status", "NetStream.Unpublish.Success", "The session was ended");
    }
    this.#close();
  }

  #acknowledge(bytes: number): void {
    this.#received = (this.#received + bytes) >>> 0;
    if ((this.#received - this.#acknowledged) >>> 0 < this.#peerWindow / 2) return;
    this.#acknowledged = this.#received;
    this.#transmits.push(encodeControl(MessageType.Acknowledgement, this.#received));
  }

  #handleMessage(message: RtmpMessage, now: Millis): void {
    const { type, payload, timestamp } = message;
    switch (type) {
      case MessageType.Audio:
      case MessageType.Video:
        if (this.#phase !== "publishing") return;
        this.#media(type, timestamp, payload);
        return;
      case MessageType.Aggregate:
        if (this.#phase === "publishing") this.#handleAggregate(payload, timestamp);
        return;
      case MessageType.CommandAmf0:
        this.#handleCommand(payload, now);
        return;
      case MessageType.CommandAmf3:
        // AMF0 behind one byte, as encoders do that say AMF3.
        this.#handleCommand(payload.subarray(1), now);
        return;
      case MessageType.DataAmf0:
        this.#handleData(payload);
        return;
      case MessageType.DataAmf3:
        this.#handleData(payload.subarray(1));
        return;
      case MessageType.WindowAcknowledgementSize:
        if (payload.length >= 4) this.#peerWindow = Math.max(u32(payload, 0), 64 * 1024);
        return;
      case MessageType.UserControl:
        if (payload.length >= 6 && u16(payload, 0) === UserControl.PingRequest) {
          this.#transmits.push(encodeUserControl(UserControl.PingResponse, u32(payload, 2)));
        }
        return;
      default:
    }
  }

  #media(type: number, timestamp: number, payload: Uint8Array): void {
    if (payload.length === 0) return; // silence, from some encoders
    const kind = type === MessageType.Audio ? "audio" : "video";
    this.#events.push({ type: kind, timestamp, payload });
  }

  /** FLV tags one after the other; their times count from the message's (§7.1.6). */
  #handleAggregate(payload: Uint8Array, timestamp: number): void {
    let first = -1;
    for (let at = 0, tags = 0; at < payload.length; tags++) {
      if (at + 11 > payload.length || tags === AGGREGATE_TAGS_MAX) {
        this.#fail(BAD_AGGREGATE);
        return;
      }
      const type = u8(payload, at);
      const size = (u8(payload, at + 1) << 16) | u16(payload, at + 2);
      const time = ((u8(payload, at + 7) << 24) | (u32(payload, at + 4) >>> 8)) >>> 0;
      const end = at + 11 + size;
      if (end + 4 > payload.length) {
        this.#fail(BAD_AGGREGATE);
        return;
      }
      if (first < 0) first = time;
      if (type === MessageType.Audio || type === MessageType.Video) {
        this.#media(type, (timestamp + time - first) >>> 0, payload.subarray(at + 11, end));
      }
      at = end + 4;
    }
  }

  #handleData(payload: Uint8Array): void {
    if (this.#phase !== "publishing") return;
    const values = decodeAmf0(payload);
    if (isFault(values)) {
      this.#fail(values);
      return;
    }
    const at = values[0] === "@setDataFrame" ? 1 : 0;
    const members = values[at + 1];
    if (values[at] === "onMetaData" && isAmf0Object(members)) {
      this.#events.push({ type: "metadata", members });
    }
  }

  #handleCommand(payload: Uint8Array, now: Millis): void {
    const values = decodeAmf0(payload);
    if (isFault(values)) {
      this.#fail(values);
      return;
    }
    const [name, transaction] = values;
    if (typeof name !== "string" || typeof transaction !== "number") {
      this.#fail(BAD_COMMAND);
      return;
    }
    if (++this.#commands > COMMANDS_MAX) {
      this.#fail(TOO_MANY_COMMANDS);
      return;
    }
    if (name === "connect") {
      this.#connect(transaction, values[2]);
      return;
    }
    if (this.#phase === "connecting") {
      this.#fail(NOT_CONNECTED);
      return;
    }
    switch (name) {
      case "createStream":
        this.#result(transaction, null, STREAM_ID);
        return;
      case "publish":
      case "play":
        this.#ask(name, values[3]);
        return;
      case "deleteStream":
      case "closeStream":
      case "FCUnpublish":
        this.#stop(now);
        return;
      case "getStreamLength":
        this.#result(transaction, null, 0);
        return;
      case "_result":
      case "_error":
      case "onStatus":
        return;
      default:
        // releaseStream, FCPublish, FCSubscribe, _checkbw, ...: an answer is all they want.
        if (transaction !== 0) this.#result(transaction, null, undefined);
    }
  }

  #connect(transaction: number, command: Amf0Value): void {
    if (this.#phase !== "connecting" || !isAmf0Object(command)) {
      this.#fail(BAD_COMMAND);
      return;
    }
    const app = command.get("app");
    const tcUrl = command.get("tcUrl");
    const encoding = command.get("objectEncoding");
    this.#app = typeof app === "string" ? app : "";
    this.#tcUrl = typeof tcUrl === "string" ? tcUrl : "";
    this.#phase = "idle";
    this.#transmits.push(encodeConnected(transaction, typeof encoding === "number" ? encoding : 0));
  }

  #ask(wants: "publish" | "play", name: Amf0Value): void {
    if (this.#phase !== "idle" || typeof name !== "string") {
      this.#fail(BAD_COMMAND);
      return;
    }
    this.#wants = wants;
    this.#phase = "asking";
    this.#events.push({ type: wants, target: targetOf(this.#app, name, this.#tcUrl) });
  }

  #stop(now: Millis): void {
    if (this.#phase !== "publishing" && this.#phase !== "playing") return;
    if (this.#phase === "publishing") {
      this.#status("status", "NetStream.Unpublish.Success", "Unpublished");
    }
    this.#phase = "idle";
    this.#timers.stop("silence");
    this.#timers.arm("setup", now + this.#setupMillis);
    this.#events.push({ type: "stopped" });
  }

  #result(transaction: number, properties: Amf0Value, info: Amf0Value): void {
    this.#transmits.push(encodeResult(transaction, properties, info));
  }

  #status(level: "status" | "error", code: string, description: string): void {
    this.#transmits.push(encodeStatus(level, code, description));
  }

  #fail(why: Fault): void {
    this.#events.push({ type: "fault", fault: why });
    this.#close();
  }

  #close(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#timers.stop("setup");
    this.#timers.stop("silence");
    this.#events.push({ type: "close" });
  }
}

function fault(code: string, spec: string): Fault {
  return new Fault("core/session/rtmp", code, spec);
}
