/** What the server side of an HTTP connection tells its owner. @module */
import type { Fault } from "../../base/mod.ts";
import type { RequestHead } from "../../wire/http1/mod.ts";

export type HttpEvent =
  | { readonly kind: "request"; readonly head: RequestHead }
  /** Part of the body. `bytes` belongs to the receiver. */
  | { readonly kind: "body"; readonly bytes: Uint8Array }
  | { readonly kind: "body-end" }
  /** The rest of the body will not come. */
  | { readonly kind: "body-abort"; readonly fault: Fault }
  /** The client broke a rule; for counting. Its answer, if one could be given, is on its way. */
  | { readonly kind: "fault"; readonly fault: Fault; readonly status: number }
  /** Send FIN behind what was transmitted; go on reading. */
  | { readonly kind: "end" }
  /** Close once what was transmitted is with the kernel. */
  | { readonly kind: "close" }
  /** Close at once: the answer broke off, and the client must not take it for whole. */
  | { readonly kind: "abort" };
