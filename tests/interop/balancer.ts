/** Programs that stand before a server, run on files of docs/operations.md or a test's own. @module */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Attr, decodeXorMappedAddress } from "../../core/wire/stun/mod.ts";
import { publish, until } from "../server/rtc/client.ts";
import { getHttps } from "../server/tls_client.ts";
import type { ServerProcess } from "../server_process.ts";
import { need } from "../tools.ts";

/** Runs a program on a configuration file; it and the file are gone after the test. */
export async function run(
  t: TestContext,
  program: string,
  configuration: string,
  args: (file: string) => string[],
): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), "monoport-balancer-"));
  const file = join(folder, "configuration");
  writeFileSync(file, configuration.replaceAll("FOLDER", folder));
  const child = spawn(program, args(file), { stdio: "ignore" });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return child;
}

/** HTTP, HTTPS and WebRTC pass, and the server knows its clients. */
export async function passesEverything(
  t: TestContext,
  server: ServerProcess,
  port: number,
): Promise<string> {
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(answers, "the balancer passes HTTP");
  assert.equal((await getHttps(port, "/healthz")).status, 200);
  const client = await publish({ url, port }, { stream: "balanced" });
  t.after(() => client.close());
  await client.connect();
  assert.match(client.answer, new RegExp(`^a=candidate:\\S+ 1 tcp \\d+ \\S+ ${port} `, "im"));
  const [answer] = client.peer.answers;
  const mapped = answer?.attributes.find(({ type }) => type === Attr.XorMappedAddress);
  assert.ok(answer && mapped);
  assert.deepEqual(decodeXorMappedAddress(mapped.value, answer.transactionId), {
    host: "127.0.0.1",
    port: client.socket?.localPort, // the client's, not the balancer's
  });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.doesNotMatch(metrics, /monoport_faults_total\{/);
  return metrics;
}

/** nginx on `configuration`, in the foreground, with what it writes in a folder of its own. */
export function runNginx(t: TestContext, configuration: string): Promise<ChildProcess> {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path FOLDER/${name};`,
  );
  const http = `http {\naccess_log off;\n${places.join("\n")}\n`;
  const own = "daemon off;\nmaster_process off;\npid FOLDER/pid;\nerror_log FOLDER/log;\n";
  const file = `${own}${configuration.replace("http {\n", http)}`;
  return run(t, need("nginx"), file, (path) => ["-c", path, "-e", "stderr"]);
}

export function runHaproxy(t: TestContext, configuration: string): Promise<ChildProcess> {
  return run(t, need("haproxy"), configuration, (path) => ["-db", "-f", path]);
}
