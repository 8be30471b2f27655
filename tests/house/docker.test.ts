/** What must hold of Dockerfile and compose.yaml; docker itself is not needed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { runtimeProgram } from "../runtimes.ts";
import { repository } from "../tools.ts";

const read = (name: string): string => readFileSync(join(repository, name), "utf8");

/** The last stage's instructions, each on one line, without comments. */
function image(): readonly string[] {
  const lines = read("Dockerfile")
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");
  const last = lines.findLastIndex((line) => line.startsWith("FROM "));
  assert.ok(last > 0, "it has one stage that builds and one that runs");
  return lines.slice(last);
}

const instruction = (name: string): string =>
  image()
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1) ?? "";

test("the image runs the built program as no root, on one port over TCP and UDP", () => {
  assert.equal(instruction("USER"), "node");
  assert.equal(instruction("EXPOSE"), "8080/tcp 8080/udp");
  assert.deepEqual(JSON.parse(instruction("ENTRYPOINT")), ["node", "dist/mod.js"]);
  assert.match(read("Dockerfile"), /RUN npm ci\b/);
  assert.match(read("Dockerfile"), /npm prune --omit=dev/);
});

test("what the image is built from is there, and is let through by .dockerignore", () => {
  const allowed = new Set(
    [...read(".dockerignore").matchAll(/^!(.*)$/gm)].map(([, name = ""]) => name),
  );
  const names = [...read("Dockerfile").matchAll(/^COPY (?!--from)(.*)$/gm)].flatMap(
    ([, words = ""]) => words.split(" ").slice(0, -1),
  );
  assert.ok(names.length > 8);
  for (const name of names) {
    assert.ok(existsSync(join(repository, name)), name);
    assert.ok(allowed.has(name.split("/")[0] ?? ""), `${name} in .dockerignore`);
  }
  const { include } = JSON.parse(read("tsconfig.build.json").replace(/^\s*\/\/.*$/gm, "")) as {
    include: readonly string[];
  };
  for (const name of include) assert.ok(names.includes(name), `${name} is not copied`);
});

test("the health check asks /healthz of the port that MONOPORT_LISTEN names", async (t) => {
  const check = /CMD (\[.*\])$/.exec(instruction("HEALTHCHECK"))?.[1] ?? "[]";
  const [program, ...args] = JSON.parse(check) as readonly string[];
  assert.equal(program, "node");
  let healthy = true;
  const server = createServer((request, response) => {
    response.writeHead(healthy && request.url === "/healthz" ? 200 : 503).end();
  });
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const status = async (listen: string): Promise<unknown> => {
    const env = { MONOPORT_LISTEN: listen };
    const child = spawn(runtimeProgram("node"), args, { env, timeout: 20_000 });
    const [code] = await once(child, "exit");
    return code;
  };
  assert.equal(await status(String(port)), 0);
  assert.equal(await status(`0.0.0.0:${port} [::]:1`), 0);
  assert.equal(await status("1"), 1);
  healthy = false;
  assert.equal(await status(String(port)), 1);
});

test("compose.yaml maps the one port, TCP and UDP, and hands CANDIDATE on", () => {
  const compose = read("compose.yaml");
  assert.match(compose, /^ +- "8080:8080\/tcp"$/m);
  assert.match(compose, /^ +- "8080:8080\/udp"$/m);
  assert.match(compose, /^ +CANDIDATE: \$\{CANDIDATE:-\}$/m);
  const [, seconds] = /^ +stop_grace_period: (\d+)s$/m.exec(compose) ?? [];
  assert.ok(Number(seconds) > 20, "longer than drain.grace");
});
