/** The connection of a CA that validates a domain. @module */
import type { Conn, Millis, Runtime } from "../../../core/base/mod.ts";
import {
  type ValidationCertificate,
  ValidationResponder,
} from "../../../core/session/acme_tls/mod.ts";
import { linger } from "../../port/linger.ts";

/**
 * Shows the certificate; `first` is what was read. Resolves to whether the handshake was done, when
 * the connection is about to close; rejects with the `code` ETIMEDOUT or ECONNRESET.
 */
export function showValidation(
  runtime: Runtime,
  conn: Conn,
  first: Uint8Array,
  shown: ValidationCertificate,
  handshakeMillis: Millis,
): Promise<boolean> {
  const responder = new ValidationResponder(runtime.crypto, shown);
  return new Promise((resolve, reject) => {
    const end = (code: string): void => {
      deadline[Symbol.dispose]();
      reject(Object.assign(new Error("The handshake of a validation was not done"), { code }));
    };
    const deadline = runtime.wakeAt(runtime.now() + handshakeMillis, () => end("ETIMEDOUT"));
    const handle = (bytes: Uint8Array): void => {
      responder.handleInput(bytes);
      for (let out = responder.pollTransmit(); out; out = responder.pollTransmit()) conn.write(out);
      if (responder.over === undefined) return;
      deadline[Symbol.dispose]();
      // What was written last, an alert too, shall arrive.
      linger(runtime, conn);
      resolve(responder.over === "done");
    };
    conn.handler = { data: handle, end: () => end("ECONNRESET"), close: () => end("ECONNRESET") };
    handle(first);
  });
}
