/** `monoport check` as a user types it: through a proxy, and where a firewall drops UDP. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { freePort } from "../free_port.ts";
import { startHttpProxy } from "../nginx.ts";
import { serverCommand } from "../runtimes.ts";
import { type ServerOptions, type ServerProcess, startServer } from "../server_process.ts";
import { need, repository } from "../tools.ts";

const QUIET = ["--demo", "off", "--log.level", "error"];

interface Told {
  readonly status: number | null;
  readonly text: string;
}

function check(args: readonly string[], prefix: readonly string[] = []): Told {
  const [program = "", ...rest] = [...prefix, ...serverCommand("node"), "check", ...args];
  const options = { cwd: repository, encoding: "utf8", timeout: 60_000 } as const;
  const { status, stdout, stderr } = spawnSync(program, rest, options);
  return { status, text: stdout + stderr };
}

async function serve(t: TestContext, options: ServerOptions): Promise<ServerProcess> {
  const server = await startServer(options);
  t.after(() => server.stop());
  return server;
}

test("through a proxy that speaks HTTP no media passes, and the check says so: 2", async (t) => {
  const port = await freePort();
  const proxy = { port: await freePort() };
  const candidate = `127.0.0.1:${proxy.port}`;
  await serve(t, {
    port,
    args: [...QUIET, "--rtc_server.protocol", "tcp", "--candidate", candidate],
  });
  const nginx = await startHttpProxy(port, { port: proxy.port });
  t.after(() => nginx.stop());
  const { status, text } = check([`http://${candidate}`]);
  assert.equal(status, 2, text);
  assert.match(text, /^passes +HTTP: Monoport /m);
  assert.match(text, /^blocked +STUN over TCP: HTTP comes back\n +Something that speaks HTTP/m);
  assert.match(text, /^blocked +WebRTC over TCP: .*\n +A proxy that speaks HTTP answers at /m);
  assert.match(text, /\nNo media passes\.\n$/);
});

test("where a firewall drops UDP it is told, and TCP is enough: 1, and 0 before", async (t) => {
  if (process.getuid?.() !== 0) throw new Error("Network namespaces need root: sudo npm test");
  const name = `monoport-check-${process.pid}`;
  const inside = ["ip", "netns", "exec", name];
  const run = (...[program = "", ...args]: readonly string[]): string =>
    execFileSync(program, args, { encoding: "utf8", timeout: 20_000 });
  run(need("ip"), "netns", "add", name);
  t.after(() => run(need("ip"), "netns", "del", name));
  run(...inside, "ip", "link", "set", "lo", "up");
  const server = await serve(t, { prefix: inside, args: QUIET });
  const target = `127.0.0.1:${server.port}`;
  const open = check([target], inside);
  assert.equal(open.status, 0, open.text);
  assert.match(
    open.text,
    /^passes +WebRTC over UDP: 127\.0\.0\.1:\d+ answers in .* sees 127\.0\.0\.1:/m,
  );

  run(...inside, need("nft"), "add", "table", "inet", "f");
  run(...inside, need("nft"), "add chain inet f out { type filter hook output priority 0 ; }");
  run(...inside, need("nft"), "add rule inet f out meta l4proto udp drop");
  const shut = check(["--timeout", "4", "--json", target], inside);
  assert.equal(shut.status, 1, shut.text);
  const { verdict, checks } = JSON.parse(shut.text) as {
    verdict: string;
    checks: { name: string; verdict: string; advice: string }[];
  };
  const of = (title: string): string => checks.find((one) => one.name === title)?.verdict ?? "";
  assert.equal(verdict, "Media passes, with limits.");
  assert.equal(of("WebRTC over UDP"), "blocked");
  assert.equal(of("WebRTC over TCP"), "passes");
});

test("a wrong command is 64, and --help tells the exit codes", () => {
  const wrong = check(["example.com"]);
  assert.equal(wrong.status, 64);
  assert.match(wrong.text, /Cannot read "example\.com": it is HOST:PORT/);
  const help = check(["--help"]);
  assert.equal(help.status, 0);
  assert.match(help.text, /Exit code: 0 .*1 .*2 .*64 /s);
});
