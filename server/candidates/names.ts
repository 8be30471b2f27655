/**
 * Host names as addresses, remembered for a while. Who asks may be anybody, so lookups at a time,
 * their length and what is remembered are bounded; a name that cannot be resolved is no error here.
 *
 * @module
 */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { isAddress } from "./candidates.ts";

/** How long a request waits for a lookup; one that takes longer still fills the memory. */
const WAIT_MILLIS: Millis = 1_000;
const KEEP_MILLIS: Millis = 60_000;
const KEEP_FAILED_MILLIS: Millis = 10_000;
/** Most names that are remembered; those that are asked for stay. */
export const NAMES_MAX = 256;
/** Most lookups for clients at a time, in all and for one address. */
export const LOOKUPS_MAX = 4;
export const LOOKUPS_PER_ADDRESS = 1;
/** Most addresses of a name. */
const ADDRESSES_MAX = 4;

export type NamesRuntime = Pick<Runtime, "now" | "wakeAt" | "resolve">;

interface Remembered {
  readonly addresses: readonly string[];
  readonly until: Millis;
}

interface Running {
  readonly found: Promise<readonly string[]>;
  /** The address of the client it is for; undefined for ourselves. */
  readonly asker: string | undefined;
}

/** Why a name gave no address, as it is logged and counted. */
export type LookupResult = "resolved" | "failed" | "timeout" | "refused";

/** With those that cannot be found logged, and all counted. */
export function openNames(runtime: Runtime, log: Log, metrics: Metrics): Names {
  return new Names(runtime, (name, result, error) => {
    metrics.count("monoport_name_lookups_total", result);
    if (result === "resolved") return;
    const message = "Cannot look up the address of a candidate's name: it is left out";
    log.limited("warn", message, { name, result, error });
  });
}

export class Names {
  readonly #runtime: NamesRuntime;
  readonly #onLookup: (name: string, result: LookupResult, error: string) => void;
  readonly #known = new Map<string, Remembered>();
  readonly #running = new Map<string, Running>();

  constructor(
    runtime: NamesRuntime,
    onLookup: (name: string, result: LookupResult, error: string) => void = () => {},
  ) {
    this.#runtime = runtime;
    this.#onLookup = onLookup;
  }

  /**
   * The addresses of a name; none when there are none, or not soon. `asker` is the address of the
   * client who wrote it; a name of the configuration has none, and is looked up however many
   * clients want theirs.
   */
  async addresses(spelt: string, asker?: string): Promise<readonly string[]> {
    const name = spelt.toLowerCase();
    const known = this.#known.get(name);
    if (known !== undefined) this.#remember(name, known);
    if (known !== undefined && this.#runtime.now() < known.until) return known.addresses;
    let running = this.#running.get(name);
    if (running === undefined) {
      if (!isName(name) || (asker !== undefined && this.#isBusyFor(asker))) {
        this.#onLookup(name, "refused", "");
        return known?.addresses ?? [];
      }
      running = { found: this.#lookUp(name), asker };
      this.#running.set(name, running);
    }
    return (await this.#inTime(running.found)) ?? this.#late(name, known);
  }

  #isBusyFor(asker: string): boolean {
    const others = [...this.#running.values()].filter((one) => one.asker !== undefined);
    const own = others.filter((one) => one.asker === asker);
    return others.length >= LOOKUPS_MAX || own.length >= LOOKUPS_PER_ADDRESS;
  }

  async #lookUp(name: string): Promise<readonly string[]> {
    let addresses: readonly string[] = [];
    try {
      const found = await this.#runtime.resolve(name);
      addresses = [...new Set(found)].filter(isAddress).slice(0, ADDRESSES_MAX);
      this.#onLookup(name, addresses.length > 0 ? "resolved" : "failed", "");
    } catch (error) {
      this.#onLookup(name, "failed", error instanceof Error ? error.message : String(error));
    }
    this.#running.delete(name);
    // An address that was good a minute ago is better than none.
    const kept = addresses.length > 0 ? addresses : (this.#known.get(name)?.addresses ?? []);
    const millis = addresses.length > 0 ? KEEP_MILLIS : KEEP_FAILED_MILLIS;
    this.#remember(name, { addresses: kept, until: this.#runtime.now() + millis });
    return kept;
  }

  #late(name: string, known: Remembered | undefined): readonly string[] {
    this.#onLookup(name, "timeout", "");
    return known?.addresses ?? [];
  }

  #inTime(running: Promise<readonly string[]>): Promise<readonly string[] | undefined> {
    return new Promise((resolve) => {
      const deadline = this.#runtime.wakeAt(this.#runtime.now() + WAIT_MILLIS, () =>
        resolve(undefined),
      );
      running.then((addresses) => {
        deadline[Symbol.dispose]();
        resolve(addresses);
      });
    });
  }

  #remember(name: string, found: Remembered): void {
    this.#known.delete(name);
    this.#known.set(name, found);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= NAMES_MAX) break;
      this.#known.delete(oldest);
    }
  }
}

/** A host name (RFC 1123 §2.1), and one that DNS or the hosts file may know. */
function isName(name: string): boolean {
  return name.length <= 253 && /^(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$/.test(name);
}
