/**
 * Runs what an image says of its program, in namespaces, as compose.yaml has it: no root, no
 * capability, all read-only.
 *
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Namespace, Network } from "../tests/namespaces.ts";
import { repository } from "../tests/tools.ts";

/** What an image says of its program. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly WorkingDir: string;
  readonly Entrypoint: readonly string[];
  readonly Healthcheck: { readonly Test: readonly string[] };
}

const limitMillis = 30_000;

/** Prints what holds of the image whose files are in the folder `root`; resolves to whether all does. */
export async function checkImage(root: string, config: ImageConfig): Promise<boolean> {
  const network = new Network();
  const box = new Box(root, config, network.add("docker"));
  let all = true;
  const tell = (what: string, held: boolean): void => {
    console.log(`${held ? "ok    " : "FAILED"} ${what}`);
    all &&= held;
  };
  try {
    tell("the health check fails before it runs", !(await box.healthy()));
    const server = box.start(config.Entrypoint);
    const said = await box.answer();
    tell(`the server answers /healthz: ${said}`, said === "200 ok");
    tell("the health check passes", await box.healthy());
    tell("it fails for a port where nobody listens", !(await box.healthy("MONOPORT_LISTEN=9999")));
    const pid = box.listener();
    tell("it runs as user 1000", /^Uid:\t1000\t1000\t1000\t1000$/m.test(statusOf(pid)));
    const bare = [/^CapEff:\t0+$/m, /^CapBnd:\t0+$/m, /^NoNewPrivs:\t1$/m];
    tell(
      "without a capability, and can gain none",
      bare.every((line) => line.test(statusOf(pid))),
    );
    const sockets = box.sockets(pid);
    tell(
      `it listens on 8080 alone, TCP and UDP: ${sockets.length} sockets`,
      sockets.length > 0 && sockets.every((line) => line.includes(":8080 ")),
    );
    const write = box.start(
      ["node", "-e", "require('fs').appendFileSync('dist/mod.js', '')"],
      true,
    );
    tell("it cannot change its own files", (await ended(write)) !== 0);
    process.kill(pid, "SIGTERM");
    const code = await ended(server);
    tell(`it ends by SIGTERM with ${code}`, code === 0);
    tell("and then the health check fails", !(await box.healthy()));
  } finally {
    box.stop();
    network.remove();
  }
  return all;
}

/** The image's files with processes in them, in a network of their own. */
class Box {
  readonly #root: string;
  readonly #config: ImageConfig;
  readonly #space: Namespace;
  readonly #children = new Set<ChildProcess>();

  constructor(root: string, config: ImageConfig, space: Namespace) {
    this.#root = root;
    this.#config = config;
    this.#space = space;
  }

  start(command: readonly string[], quiet = false, ...env: readonly string[]): ChildProcess {
    const [program = "", ...args] = [...this.#space.prefix, ...this.#inside(command, env)];
    const said = quiet ? "ignore" : "inherit";
    const child = spawn(program, args, { stdio: ["ignore", said, said] });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** What the image's own check says. */
  async healthy(...env: readonly string[]): Promise<boolean> {
    const [kind, ...command] = this.#config.Healthcheck.Test;
    if (kind !== "CMD") throw new Error(`a health check of the kind ${kind}`);
    return (await ended(this.start(command, true, ...env))) === 0;
  }

  /** Status and text of /healthz, once it answers. */
  async answer(): Promise<string> {
    const script = `fetch("http://127.0.0.1:8080/healthz").then(
      async (answer) => console.log(answer.status, await answer.text()), () => {})`;
    const node = join(repository, "node_modules", ".bin", "node");
    const [program = "", ...args] = [...this.#space.prefix, node, "-e", script];
    for (let i = 0; i < 50; i++) {
      const said = execFileSync(program, args, { encoding: "utf8", timeout: limitMillis }).trim();
      if (said !== "") return said;
      await sleep(200);
    }
    return "nothing";
  }

  /** The process that listens on 8080. */
  listener(): number {
    return Number(/pid=(\d+)/.exec(this.#space.run("ss", "-Hltnp", "sport = :8080"))?.[1]);
  }

  sockets(pid: number): string[] {
    const lines = this.#space.run("ss", "-Hlntup").split("\n");
    return lines.filter((line) => line.includes(`pid=${pid},`));
  }

  stop(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  #inside(command: readonly string[], env: readonly string[]): string[] {
    const { User, Env, WorkingDir } = this.#config;
    const script =
      'cd "$1" && mount --bind . . && cd "$1" && mount -o remount,bind,ro . && ' +
      'mount -t proc proc proc && mount --rbind /dev dev && shift && exec chroot . "$@"';
    return [
      ..."unshare --mount --uts --ipc --pid --fork --kill-child sh -c".split(" "),
      ...[script, "sh", this.#root],
      ...["setpriv", `--reuid=${User}`, `--regid=${User}`, "--clear-groups"],
      ...["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"],
      ...["env", "-i", `--chdir=${WorkingDir}`, ...Env, ...env, ...command],
    ];
  }
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, "utf8");
}

/** Its exit code; null when it had to be killed. */
async function ended(child: ChildProcess): Promise<number | null> {
  const limit = setTimeout(() => child.kill("SIGKILL"), limitMillis);
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise((resolve) => child.once("exit", resolve));
  }
  clearTimeout(limit);
  return child.exitCode;
}
