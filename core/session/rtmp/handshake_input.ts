import { type CryptoProvider, Fault } from "../../base/mod.ts";
import { concat, u8 } from "../../bytes/mod.ts";
import { answerHandshake, HANDSHAKE_BYTES, RTMP_VERSION } from "../../wire/rtmp/mod.ts";

export const BAD_VERSION: Fault = /* @__PURE__ */ new Fault(
  "core/session/rtmp",
  "bad-version",
  "RTMP 1.0 §5.2.2",
);

const NOTHING: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** Gathers C0, C1 and C2. */
export class HandshakeInput {
  readonly #crypto: Pick<CryptoProvider, "hmac" | "random" | "equal">;
  #held: Uint8Array = NOTHING;
  #answered = false;

  constructor(crypto: Pick<CryptoProvider, "hmac" | "random" | "equal">) {
    this.#crypto = crypto;
  }

  get buffered(): number {
    return this.#held.length;
  }

  /** What follows the handshake, `undefined` while it goes on; answers go into `transmits`. */
  push(
    bytes: Uint8Array,
    transmits: { push(bytes: Uint8Array): void },
  ): Uint8Array | Fault | undefined {
    let all = this.#held.length === 0 ? bytes : concat([this.#held, bytes]);
    if (!this.#answered) {
      if (all.length > 0 && u8(all, 0) !== RTMP_VERSION) return BAD_VERSION;
      if (all.length < 1 + HANDSHAKE_BYTES) return this.#hold(all);
      transmits.push(answerHandshake(all.subarray(1, 1 + HANDSHAKE_BYTES), this.#crypto));
      this.#answered = true;
      all = all.subarray(1 + HANDSHAKE_BYTES);
    }
    // C2 is not looked at: encoders send what they like there.
    if (all.length < HANDSHAKE_BYTES) return this.#hold(all);
    this.#held = NOTHING;
    return all.subarray(HANDSHAKE_BYTES);
  }

  #hold(bytes: Uint8Array): undefined {
    this.#held = bytes;
  }
}
