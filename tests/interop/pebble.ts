/**
 * Pebble, the ACME server that Let's Encrypt tests clients with, and a DNS that sends every name to
 * 127.0.0.1.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../free_port.ts";
import { need } from "../tools.ts";

export interface Pebble {
  readonly directory: string;
  /** Environment by which each runtime's `fetch` trusts it. */
  readonly env: Readonly<Record<string, string>>;
  /** What it logged. */
  output(): string;
  /** As `fetch`, trusting it, in this process. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** The PEM of the root it issues from. */
  root(): Promise<string>;
  stop(): Promise<void>;
}

export interface PebbleOptions {
  /** Where it connects to validate. */
  readonly tlsPort: number;
  /** Members of its configuration. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Every seventh good nonce is refused, and it waits for nothing. */
const ENV = { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "15", PEBBLE_AUTHZREUSE: "0" };

export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const folder = mkdtempSync(join(tmpdir(), "monoport-pebble-"));
  const [api, management, dns, dnsManagement] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const ca = makeServerCertificate(folder);
  const configuration = {
    pebble: {
      listenAddress: `127.0.0.1:${api}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: join(folder, "server.pem"),
      privateKey: join(folder, "server.key"),
      httpPort: 1,
      tlsPort: options.tlsPort,
      ...options.more,
    },
  };
  const file = join(folder, "configuration.json");
  writeFileSync(file, JSON.stringify(configuration));
  let printed = "";
  const run = (program: string, args: string[], env: Record<string, string> = {}): ChildProcess => {
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 180_000,
      killSignal: "SIGKILL",
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text: Buffer) => {
        printed += text.toString("utf8");
      });
    }
    return child;
  };
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""];
  const at = ["-dns01", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${dnsManagement}`];
  const children = [
    run(need("pebble-challtestsrv"), [...off, ...at]),
    run(need("pebble"), ["-strict", "-config", file, "-dnsserver", `127.0.0.1:${dns}`], {
      ...ENV,
      ...options.env,
    }),
  ];
  const stop = async (): Promise<void> => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const ask = (url: string, init: RequestInit): Promise<Response> => fetchTrusting(ca, url, init);
  const directory = `https://127.0.0.1:${api}/dir`;
  for (const until = Date.now() + 60_000; ; ) {
    const ready = await ask(directory, {}).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (Date.now() > until) {
      await stop();
      throw new Error(`Pebble did not start:\n${printed}`);
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
  const caFile = join(folder, "ca.pem");
  return {
    directory,
    env: { NODE_EXTRA_CA_CERTS: caFile, DENO_CERT: caFile },
    output: () => printed,
    fetch: ask,
    root: async () => (await ask(`https://127.0.0.1:${management}/roots/0`, {})).text(),
    stop,
  };
}

/** Writes server.pem, server.key and ca.pem for 127.0.0.1; the PEM of the CA. */
function makeServerCertificate(folder: string): string {
  const openssl = (...args: string[]): void => {
    execFileSync(need("openssl"), args, { cwd: folder, stdio: "ignore" });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...key, "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem");
  const own = ["-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=pebble"];
  const extensions = [
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-addext",
    "basicConstraints=CA:FALSE",
  ];
  openssl(
    "req",
    "-x509",
    ...key,
    ...own,
    ...extensions,
    "-keyout",
    "server.key",
    "-out",
    "server.pem",
  );
  return readFileSync(join(folder, "ca.pem"), "latin1");
}

function fetchTrusting(ca: string, url: string, init: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const headers = { "user-agent": "test", ...Object.fromEntries(new Headers(init.headers)) };
    const asked = request(
      url,
      { method: init.method ?? "GET", headers, ca, agent: false, timeout: 60_000 },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          const { statusCode = 0, rawHeaders } = answer;
          const fields: [string, string][] = [];
          for (let i = 0; i < rawHeaders.length; i += 2)
            fields.push([rawHeaders[i] ?? "", rawHeaders[i + 1] ?? ""]);
          const body = statusCode === 204 ? null : Buffer.concat(chunks);
          resolve(new Response(body, { status: statusCode, headers: fields }));
        });
      },
    );
    asked.on("timeout", () => asked.destroy(new Error("timed out")));
    asked.on("error", reject);
    asked.end(typeof init.body === "string" ? init.body : undefined);
  });
}
