/** The other end of an RTMP session, without a network. @module */
import assert from "node:assert/strict";
import { type Fault, isFault } from "../../../../core/base/mod.ts";
import { concat } from "../../../../core/bytes/mod.ts";
import { type RtmpEvent, RtmpServerSession } from "../../../../core/session/rtmp/mod.ts";
import {
  type Amf0Object,
  type Amf0Value,
  decodeAmf0,
  encodeAmf0,
} from "../../../../core/wire/amf0/mod.ts";
import {
  ChunkReader,
  encodeMessage,
  HANDSHAKE_BYTES,
  MessageType,
  makeC0C1,
  type RtmpMessage,
} from "../../../../core/wire/rtmp/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";

/** An encoder, and the session it talks to. */
export class Call {
  readonly session: RtmpServerSession = new RtmpServerSession({ crypto: nodeCrypto, now: 0 });
  readonly events: RtmpEvent[] = [];
  readonly heard: RtmpMessage[] = [];
  now = 0;
  /** Bytes of each piece that is handed in; 0 for all at once. */
  pieces = 0;
  readonly #reader = new ChunkReader();
  #handshake = 1 + 2 * HANDSHAKE_BYTES;
  #transaction = 0;

  say(...parts: readonly Uint8Array[]): this {
    const bytes = concat(parts);
    const size = this.pieces || bytes.length || 1;
    for (let at = 0; at < bytes.length; at += size) {
      this.session.handleInput(bytes.slice(at, at + size), this.now);
      this.#drain();
    }
    return this;
  }

  until(now: number): void {
    this.now = now;
    this.session.handleTimeout(now);
    this.#drain();
  }

  shakeHands(withDigest = false): this {
    return this.say(makeC0C1(nodeCrypto, withDigest), new Uint8Array(HANDSHAKE_BYTES));
  }

  command(name: string, ...more: readonly Amf0Value[]): this {
    return this.say(command(name, ++this.#transaction, ...more));
  }

  connect(app = "live"): this {
    return this.command(
      "connect",
      new Map<string, Amf0Value>([
        ["app", app],
        ["tcUrl", `rtmp://a/${app}`],
      ]),
    );
  }

  /** Everything up to the `publish` event, as ffmpeg does it. */
  askToPublish(stream = "livestream"): this {
    return this.shakeHands()
      .connect()
      .command("releaseStream", null, stream)
      .command("FCPublish", null, stream)
      .command("createStream", null)
      .command("publish", null, stream, "live");
  }

  publish(): this {
    this.askToPublish();
    this.session.accept(this.now);
    this.#drain();
    return this;
  }

  /** Names of commands, codes of `onStatus`, numbers of other messages. */
  get words(): string[] {
    return this.heard.map(({ type, payload }) => {
      if (type !== MessageType.CommandAmf0) return String(type);
      const values = decodeAmf0(payload);
      assert.ok(!isFault(values));
      const [name, , , info] = values;
      return name === "onStatus" ? String((info as Amf0Object).get("code")) : String(name);
    });
  }

  refuse(busy: boolean): void {
    this.session.refuse(busy, "no");
    this.#drain();
  }

  end(): void {
    this.session.end();
    this.#drain();
  }

  #drain(): void {
    for (let out = this.session.pollTransmit(); out; out = this.session.pollTransmit()) {
      const skip = Math.min(this.#handshake, out.length);
      this.#handshake -= skip;
      this.#reader.push(out.subarray(skip));
      for (let one = this.#reader.poll(); one; one = this.#reader.poll()) {
        assert.ok(!isFault(one));
        this.heard.push(one);
      }
    }
    for (let event = this.session.pollEvent(); event; event = this.session.pollEvent()) {
      this.events.push(event);
    }
  }
}

export function command(
  name: string,
  transaction: number,
  ...more: readonly Amf0Value[]
): Uint8Array {
  const payload = encodeAmf0(name, transaction, ...more);
  return encodeMessage({
    chunkStream: 3,
    type: MessageType.CommandAmf0,
    stream: 0,
    timestamp: 0,
    payload,
  });
}

export function media(type: 8 | 9, timestamp: number, ...payload: readonly number[]): Uint8Array {
  return encodeMessage({
    chunkStream: 4,
    type,
    stream: 1,
    timestamp,
    payload: Uint8Array.from(payload),
  });
}

export const faultsOf: (call: Call) => Fault[] = (call) =>
  call.events.flatMap((event) => (event.type === "fault" ? [event.fault] : []));
