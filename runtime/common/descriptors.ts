import { closeSync, openSync } from "node:fs";
import type { ListenOptions } from "../../core/base/io.ts";
import { asError, codeOf } from "./endpoint.ts";

/** Asks whether a descriptor is left after an accept took one. */
export interface DescriptorWatch {
  /** False: the connection that was just accepted took the last one; close it. */
  hasRoom(): boolean;
}

const TELL_AGAIN_MILLIS = 100;

/**
 * Node, Deno's node:net and Bun do not say that accepting fails for want of descriptors (EMFILE):
 * Node's libuv accepts and closes at once, Deno's node:net stops accepting, Bun spins. So one
 * descriptor is kept free: when an accept took the last one, `onAcceptError` may shed connections,
 * and if that frees none the new one is closed.
 */
export function descriptorWatch(
  options: ListenOptions,
  probe: () => void = openNull,
): DescriptorWatch {
  let toldInVainAt = Number.NEGATIVE_INFINITY;
  return {
    hasRoom(): boolean {
      const error = shortage(probe);
      if (error === undefined) return true;
      // Told in vain, we wait before we tell again.
      const now = performance.now();
      if (now - toldInVainAt < TELL_AGAIN_MILLIS) return false;
      options.onAcceptError?.(error);
      if (shortage(probe) === undefined) return true;
      toldInVainAt = now;
      return false;
    },
  };
}

function shortage(probe: () => void): Error | undefined {
  try {
    probe();
    return undefined;
  } catch (thrown) {
    const code = codeOf(thrown);
    return code === "EMFILE" || code === "ENFILE" ? asError(thrown) : undefined;
  }
}

function openNull(): void {
  closeSync(openSync("/dev/null", "r"));
}
