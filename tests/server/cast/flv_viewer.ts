/** A viewer by HTTP-FLV, over TCP or TLS, who keeps what came. @module */
import { connect, type Socket } from "node:net";
import { type FileTag, tagsOf } from "../../flv_file.ts";
import { openTls } from "../tls_client.ts";

export class FlvViewer {
  readonly socket: Socket;
  closed = false;
  #text: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, path: string) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#text = Buffer.concat([this.#text, bytes]);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
    // HTTP/1.0: the body is not in chunks.
    socket.write(`GET ${path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n`);
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.#text.toString("latin1", 0, 20))?.[1] ?? 0);
  }

  get tags(): FileTag[] {
    const at = this.#text.indexOf("\r\n\r\n");
    return at < 0 ? [] : tagsOf(new Uint8Array(this.#text.subarray(at + 4)));
  }

  /** Tags of pictures, or of sound, that are no configuration. */
  media(type: 8 | 9): FileTag[] {
    return this.tags.filter((tag) => tag.type === type && !isConfiguration(tag));
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Of legacy AVC and AAC, and of enhanced tags. */
function isConfiguration({ type, body }: FileTag): boolean {
  const first = body[0] ?? 0;
  if (type === 9 && first >= 0x80) return (first & 0x0f) === 0;
  if (type === 8 && first >> 4 === 9) return (first & 0x0f) === 0;
  return body[1] === 0;
}

export async function openFlv(port: number, path: string, secure = false): Promise<FlvViewer> {
  const socket = secure ? await openTls(port) : connect(port, "127.0.0.1");
  return new FlvViewer(socket, path);
}
