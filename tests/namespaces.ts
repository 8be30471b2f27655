/** Network namespaces of a test's own, and what joins them. Needs root. @module */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { need } from "./tools.ts";

export class Namespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** To be put before a command that shall run inside. */
  get prefix(): readonly string[] {
    return ["ip", "netns", "exec", this.name];
  }

  run(command: "ip" | "nft" | "ss", ...args: readonly string[]): string {
    return run("netns", "exec", this.name, need(command), ...args);
  }

  /** Forwards what is not for it. */
  forwards(): void {
    run("netns", "exec", this.name, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
  }

  defaultRoute(via: string): void {
    this.run("ip", "route", "add", "default", "via", via);
  }
}

/** Namespaces that are made for one test file, with pid in their names, and removed together. */
export class Network {
  readonly #spaces: Namespace[] = [];
  readonly #folders: string[] = [];
  #cables = 0;

  /** A namespace with its loopback interface up. */
  add(label: string): Namespace {
    if (process.getuid?.() !== 0) throw new Error("Network namespaces need root: sudo npm test");
    const space = new Namespace(`monoport-${label}-${process.pid}`);
    run("netns", "add", space.name);
    this.#spaces.push(space);
    space.run("ip", "link", "set", "lo", "up");
    return space;
  }

  /** A cable between two namespaces, with an address (`10.0.0.1/24`) at each end; its names there. */
  join(a: Namespace, addressA: string, b: Namespace, addressB: string): [string, string] {
    const tag = `${process.pid}n${this.#cables++}`;
    const [endA, endB] = [`a${tag}`, `b${tag}`];
    run("-n", a.name, "link", "add", endA, "type", "veth", "peer", "name", endB, "netns", b.name);
    for (const [space, end, address] of [
      [a, endA, addressA],
      [b, endB, addressB],
    ] as const) {
      // Without a link-local address of IPv6: its duplicate detection ends a second later, and is a change of
      // network, at which Chromium gives up what it is loading.
      space.run("ip", "link", "set", end, "addrgenmode", "none");
      space.run("ip", "address", "add", address, "dev", end);
      space.run("ip", "link", "set", end, "up");
    }
    return [endA, endB];
  }

  /** A program that runs another one inside a namespace, for those who take a path only. */
  wrapper(space: Namespace, program: string): string {
    const folder = mkdtempSync(join(tmpdir(), "monoport-"));
    this.#folders.push(folder);
    const path = join(folder, "program");
    writeFileSync(path, `#!/bin/sh\nexec ${space.prefix.join(" ")} ${program} "$@"\n`, {
      mode: 0o755,
    });
    return path;
  }

  /** Removes all; to be called when no program runs inside any more. */
  remove(): void {
    for (const space of this.#spaces.splice(0)) run("netns", "del", space.name);
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

function run(...args: readonly string[]): string {
  return execFileSync(need("ip"), args, { encoding: "utf8", timeout: 20_000 });
}
