/** What runs in a thread; bundled into thread.gen.ts by `npm run codecs:thread`. @module */
import { TranscodeHost } from "./host.ts";
import type { ToThread } from "./messages.ts";

const scope = globalThis as unknown as {
  onmessage: (event: { readonly data: ToThread }) => void;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
};
const host = new TranscodeHost((message, transfer) => scope.postMessage(message, transfer));
scope.onmessage = ({ data }) => void host.handle(data);
