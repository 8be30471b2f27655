/** Threads by node:worker_threads, which all three have. @module */
import { Worker } from "node:worker_threads";
import type { Thread, ThreadHandler } from "../../core/base/io.ts";

/** Makes the thread look like a Web Worker. */
const PRELUDE = `{
const { parentPort } = require("node:worker_threads");
globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
parentPort.on("message", (data) => globalThis.onmessage?.({ data }));
}
`;

export function startThread(code: string, handler: ThreadHandler): Thread {
  const worker = new Worker(PRELUDE + code, { eval: true });
  let over = false;
  const ended = (error: Error): void => {
    if (over) return;
    over = true;
    handler.ended(error);
  };
  worker.on("message", (data: unknown) => {
    if (!over) handler.message(data);
  });
  worker.on("error", (error: unknown) =>
    ended(error instanceof Error ? error : new Error(String(error))),
  );
  worker.on("exit", (code: number) => ended(new Error(`the thread ended with ${code}`)));
  worker.unref();
  return {
    post: (message, transfer = []) => {
      if (!over) worker.postMessage(message, [...transfer]);
    },
    close: () => {
      over = true;
      void worker.terminate();
    },
  };
}
