/**
 * Two network namespaces joined by a wire that delays, loses and limits: the server in one, a
 * browser in the other.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { need } from "../tools.ts";

export interface WireOptions {
  /** Each way. */
  readonly delayMillis?: number;
  /** Per cent that is held back by up to 20 ms, each way. */
  readonly reordered?: number;
  /** Per cent, each way. */
  readonly loss?: number;
  /** Each way; 0 for no limit. */
  readonly kbit?: number;
}

/** Frames since the wire was last set. */
export interface WireCounts {
  readonly forwarded: number;
  readonly lost: number;
  readonly dropped: number;
}

/** Where the browser beyond the wire finds the server. */
export const SERVER_ADDRESS = "10.98.0.1";

export class BadNetwork {
  /** To be put before a command that is to run beside the server, or beside the browser. */
  readonly near: readonly string[];
  readonly far: readonly string[];
  readonly #names: readonly [string, string];
  readonly #folder: string;
  #wire: ChildProcess | undefined;
  #answers: ((line: string) => void)[] = [];

  constructor() {
    if (process.getuid?.() !== 0) throw new Error("Network namespaces need root: sudo npm test");
    this.#names = [`monoport-near-${process.pid}`, `monoport-far-${process.pid}`];
    this.near = ["ip", "netns", "exec", this.#names[0]];
    this.far = ["ip", "netns", "exec", this.#names[1]];
    this.#folder = mkdtempSync(join(tmpdir(), "monoport-"));
  }

  async open(): Promise<void> {
    for (const name of this.#names) {
      ip("netns", "add", name);
      ip("-n", name, "link", "set", "lo", "up");
    }
    const script = fileURLToPath(new URL("wire.py", import.meta.url));
    const wire = spawn(need("python3"), [script, ...this.#names], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#wire = wire;
    wire.on("exit", (code) => {
      for (const answer of this.#answers.splice(0)) answer(`ended with ${code}`);
    });
    wire.stdout?.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.trim().split("\n")) this.#answers.shift()?.(line);
    });
    const first = await this.#answer();
    if (first !== "ready") throw new Error(`The wire ${first}`);
    // Firefox and Chromium gather addresses of a namespace that leads somewhere.
    ip("-n", this.#names[1], "route", "add", "default", "via", SERVER_ADDRESS);
  }

  /** Changes the wire; tells what it did before. */
  async set(options: WireOptions): Promise<WireCounts> {
    const { delayMillis = 0, reordered = 0, loss = 0, kbit = 0 } = options;
    this.#wire?.stdin?.write(`${delayMillis} ${reordered} ${loss} ${kbit}\n`);
    const [forwarded = 0, lost = 0, dropped = 0] = (await this.#answer()).split(" ").map(Number);
    return { forwarded, lost, dropped };
  }

  /** A program that starts Chromium on one side. */
  chromium(side: readonly string[]): string {
    const file = join(this.#folder, side === this.near ? "near" : "far");
    writeFileSync(file, `#!/bin/sh\nexec ${side.join(" ")} ${need("chromium")} "$@"\n`, {
      mode: 0o755,
    });
    return file;
  }

  close(): void {
    this.#wire?.stdin?.end();
    this.#wire?.kill();
    for (const name of this.#names) {
      try {
        ip("netns", "del", name);
      } catch {
        // It was never made.
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answer(): Promise<string> {
    return new Promise((answer) => this.#answers.push(answer));
  }
}

function ip(...args: readonly string[]): void {
  execFileSync(need("ip"), args, { timeout: 20_000, stdio: ["ignore", "ignore", "pipe"] });
}
