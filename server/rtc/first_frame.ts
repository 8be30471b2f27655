/** Finds the session of a fresh connection by the first STUN message on it. @module */
import { type Conn, type Fault, isFault, type Millis, type Runtime } from "../../core/base/mod.ts";
import { concat } from "../../core/bytes/mod.ts";
import { FIRST_FRAME_MAX_BYTES } from "../../core/session/sniff/mod.ts";
import {
  encodeRefusal,
  NO_CREDENTIALS,
  UNKNOWN_USER,
} from "../../core/session/webrtc/ice_refusal.ts";
import { Deframer, framed } from "../../core/wire/rfc4571/mod.ts";
import { peekLocalUfrag } from "../../core/wire/stun/mod.ts";
import { linger } from "../port/linger.ts";
import type { RtcSession } from "./session.ts";

export interface FirstFrameOptions {
  readonly runtime: Runtime;
  /** Until the first frame is whole. */
  readonly millis: Millis;
  /** The session whose local ufrag this is. */
  readonly find: (ufrag: string) => RtcSession | undefined;
  /** Whether there may be one soon, as soon as signalling has the answer to an offer of ours. */
  readonly awaits?: (ufrag: string) => boolean;
  readonly onFault: (fault: Fault) => void;
  readonly onLate: () => void;
}

const SWEEP_MILLIS = 250;
/** A first frame at its longest with some empty ones in front. */
const READ_MAX: number = 2 * FIRST_FRAME_MAX_BYTES;

interface Waiting {
  readonly since: Millis;
  /** All that came. */
  read: Uint8Array;
}

export class FirstFrame {
  readonly #options: FirstFrameOptions;
  /** In the order they came. */
  readonly #waiting = new Map<Conn, Waiting>();
  #sweep: Disposable | undefined;

  constructor(options: FirstFrameOptions) {
    this.#options = options;
  }

  /** Takes a connection over until its first frame is whole. */
  await(conn: Conn, first: Uint8Array): void {
    if (this.#route(conn, first)) return;
    const waiting: Waiting = { since: this.#options.runtime.now(), read: first };
    this.#waiting.set(conn, waiting);
    this.#startSweep();
    conn.handler = {
      data: (chunk) => {
        waiting.read = concat([waiting.read, chunk]);
        if (this.#route(conn, waiting.read)) this.#waiting.delete(conn);
        // Frames of length zero, and nothing else; or many checks of who does not get his answer.
        else if (waiting.read.length > READ_MAX) conn.destroy();
      },
      end: () => conn.destroy(),
      close: () => this.#waiting.delete(conn),
    };
  }

  /** A session has come that some may have waited for. */
  retry(): void {
    for (const [conn, { read }] of [...this.#waiting]) {
      if (this.#route(conn, read)) this.#waiting.delete(conn);
    }
  }

  /** Closes up to `count` of those that wait, the oldest first; returns how many. */
  shed(count: number): number {
    let shed = 0;
    for (const conn of this.#waiting.keys()) {
      if (shed === count) break;
      this.#waiting.delete(conn);
      conn.destroy();
      shed++;
    }
    return shed;
  }

  close(): void {
    this.#sweep?.[Symbol.dispose]();
    for (const conn of this.#waiting.keys()) conn.destroy();
  }

  /** Whether the connection is somebody's now. */
  #route(conn: Conn, read: Uint8Array): boolean {
    const deframer = new Deframer({ maxFrameBytes: FIRST_FRAME_MAX_BYTES });
    deframer.push(read);
    const frame = deframer.poll();
    if (frame === undefined) return false;
    if (isFault(frame)) {
      this.#options.onFault(frame);
      conn.destroy();
      return true;
    }
    const ufrag = peekLocalUfrag(frame);
    const session = ufrag === undefined ? undefined : this.#options.find(ufrag);
    if (session === undefined && ufrag !== undefined && this.#options.awaits?.(ufrag)) return false;
    if (session !== undefined) session.attach(conn, read);
    else this.#refuse(conn, frame, ufrag === undefined ? NO_CREDENTIALS : UNKNOWN_USER);
    return true;
  }

  #refuse(conn: Conn, request: Uint8Array, why: Fault): void {
    this.#options.onFault(why);
    const answer = encodeRefusal(request, why);
    if (answer !== undefined) conn.write(framed(answer));
    linger(this.#options.runtime, conn);
  }

  #startSweep(): void {
    const { runtime, millis } = this.#options;
    this.#sweep ??= runtime.wakeAt(runtime.now() + SWEEP_MILLIS, () => {
      this.#sweep = undefined;
      for (const [conn, { since }] of this.#waiting) {
        if (since > runtime.now() - millis) break;
        this.#waiting.delete(conn);
        this.#options.onLate();
        conn.destroy();
      }
      if (this.#waiting.size > 0) this.#startSweep();
    });
  }
}
