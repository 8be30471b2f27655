/** A folder of finished recordings, and clocks that a test turns. @module */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Files } from "../../../core/base/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { Retention } from "../../../server/record/retention.ts";
import { RecordingStore } from "../../../server/record/store.ts";

export const realFiles: Files = (await loadRuntime()).files;
export const DAY = 86_400_000;
export const START: number = Date.UTC(2026, 5, 15);

interface Options {
  readonly maxAge?: number;
  readonly maxBytes?: number;
  readonly template?: string;
  readonly files?: Files;
}

/** A folder, and two clocks that the test turns. */
export class Yard {
  readonly root: string;
  readonly retention: Retention;
  readonly deleted: string[] = [];
  readonly failed: string[] = [];
  readonly wakes: { readonly at: number; readonly fire: () => void }[] = [];
  now = 5000;
  wall: number = START;

  constructor(t: TestContext, options: Options = {}) {
    this.root = mkdtempSync(join(tmpdir(), "monoport-retention-"));
    t.after(() => rmSync(this.root, { recursive: true, force: true }));
    const { maxAge = 0, maxBytes = 0, template = "[app]/[stream].[timestamp].mp4" } = options;
    this.retention = new Retention({
      runtime: {
        now: () => this.now,
        wallClock: () => this.wall,
        wakeAt: (at, fire) => {
          this.wakes.push({ at, fire });
          return { [Symbol.dispose]: () => {} };
        },
      },
      store: new RecordingStore(options.files ?? realFiles, `${this.root}/${template}`),
      maxAge,
      maxBytes,
      onDeleted: ({ name }, why) => void this.deleted.push(`${name} ${why}`),
      onFailed: (path, error, told) => {
        const { code = "" } = error as { code?: string };
        this.failed.push(`${path.slice(this.root.length + 1)} ${code}${told ? " again" : ""}`);
      },
    });
  }

  /** A file of so many bytes that was finished so long before the start. */
  put(name: string, age: number, bytes = 1000): void {
    const path = join(this.root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, new Uint8Array(bytes));
    utimesSync(path, (START - age) / 1000, (START - age) / 1000);
  }

  async after(millis: number): Promise<readonly string[]> {
    this.now += millis;
    this.wall += millis;
    await this.retention.look();
    return this.deleted.splice(0);
  }

  names(): string[] {
    return readdirSync(this.root, { recursive: true, encoding: "utf8" }).sort();
  }
}
