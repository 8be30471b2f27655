/** An RTMP publisher made by hand, over TCP or TLS. @module */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { isFault } from "../../../core/base/mod.ts";
import { concat, putU32 } from "../../../core/bytes/mod.ts";
import {
  type Amf0Object,
  type Amf0Value,
  decodeAmf0,
  encodeAmf0,
} from "../../../core/wire/amf0/mod.ts";
import {
  ChunkReader,
  encodeMessage,
  HANDSHAKE_BYTES,
  MessageType,
  makeC0C1,
  type RtmpMessage,
} from "../../../core/wire/rtmp/mod.ts";
import { nodeCrypto } from "../../../runtime/common/crypto.ts";
import { openTls } from "../tls_client.ts";

/** AVCDecoderConfigurationRecord of 640x360, baseline; made by x264. */
const RECORD = Buffer.from(
  "0142c01effe100196742c01eda0280bfe5c044000003000400000300c83c58ba8001000468ce0fc8",
  "hex",
);

export class Encoder {
  readonly socket: Socket;
  /** Codes of `onStatus`, names of other commands. */
  readonly words: string[] = [];
  /** Sound and pictures sent to us. */
  readonly media: RtmpMessage[] = [];
  closed = false;
  readonly #reader = new ChunkReader();
  #handshake = 1 + 2 * HANDSHAKE_BYTES;
  #transaction = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => this.#read(new Uint8Array(bytes)));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
    socket.write(makeC0C1(nodeCrypto, true));
    socket.write(new Uint8Array(HANDSHAKE_BYTES));
  }

  /** Everything up to `publish`, whose answer comes later. */
  publish(stream: string, app = "live"): void {
    this.command("connect", new Map<string, Amf0Value>([["app", app]]));
    this.command("releaseStream", null, stream);
    this.command("createStream", null);
    this.command("publish", null, stream, "live");
  }

  command(name: string, ...more: readonly Amf0Value[]): void {
    const payload = encodeAmf0(name, ++this.#transaction, ...more);
    this.send({ type: MessageType.CommandAmf0, stream: 0, timestamp: 0, payload });
  }

  sendConfiguration(): void {
    this.sendVideo(0, Uint8Array.of(0x17, 0, 0, 0, 0, ...RECORD));
  }

  /** A picture of `size` bytes, an IDR or not. */
  sendPicture(timestamp: number, keyframe: boolean, size = 100): void {
    const unit = new Uint8Array(size).fill(0x5a);
    unit[0] = keyframe ? 0x65 : 0x41;
    unit[1] = 0x88; // first_mb_in_slice 0, an I slice
    const length = new Uint8Array(4);
    putU32(length, 0, unit.length);
    const head = Uint8Array.of(keyframe ? 0x17 : 0x27, 1, 0, 0, 0);
    this.sendVideo(timestamp, concat([head, length, unit]));
  }

  sendVideo(timestamp: number, payload: Uint8Array): void {
    this.send({ type: MessageType.Video, stream: 1, timestamp, payload });
  }

  sendAudio(timestamp: number, payload: Uint8Array): void {
    this.send({ type: MessageType.Audio, stream: 1, timestamp, payload });
  }

  send(message: { type: number; stream: number; timestamp: number; payload: Uint8Array }): void {
    this.socket.write(encodeMessage({ chunkStream: 4, ...message }));
  }

  close(): void {
    this.socket.destroy();
  }

  #read(bytes: Uint8Array): void {
    const skip = Math.min(this.#handshake, bytes.length);
    this.#handshake -= skip;
    this.#reader.push(bytes.subarray(skip));
    for (let one = this.#reader.poll(); one; one = this.#reader.poll()) {
      if (isFault(one)) throw new Error(String(one));
      if (one.type === MessageType.Audio || one.type === MessageType.Video) this.media.push(one);
      if (one.type !== MessageType.CommandAmf0) continue;
      const values = decodeAmf0(one.payload);
      if (isFault(values)) throw new Error(String(values));
      const info = values[3];
      const code = values[0] === "onStatus" && (info as Amf0Object).get("code");
      this.words.push(String(code || values[0]));
    }
  }
}

export async function openEncoder(port: number, secure = false): Promise<Encoder> {
  if (secure) return new Encoder(await openTls(port));
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return new Encoder(socket);
}
