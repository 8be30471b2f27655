/** A server that records, is killed, and runs out of disk; what it leaves is read by ffmpeg. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { until } from "../server/rtc/client.ts";
import { type ServerOptions, type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";
import { run } from "./ffmpeg_says.ts";

interface Told {
  readonly id: string;
  readonly state: string;
  readonly file: string;
  readonly bytes: number;
  readonly duration_ms: number;
  readonly error: string;
}

const RECORDED = ["--vhost.dvr.enabled", "on", "--vhost.dvr.dvr_apply", "live/demo"];

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "monoport-recorded-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function recording(
  t: TestContext,
  root: string,
  options: ServerOptions = {},
): Promise<ServerProcess> {
  const path = ["--vhost.dvr.dvr_path", `${root}/[app]/[stream].[timestamp].mp4`];
  const args = [...RECORDED, ...path, "--vhost.dvr.dvr_min_free", "0", ...(options.args ?? [])];
  const server = await startServer({ ...options, args });
  t.after(() => server.stop("SIGKILL"));
  return server;
}

async function told(server: ServerProcess): Promise<Told[]> {
  const answer = await fetch(`${server.url}/api/v1/recordings`);
  return ((await answer.json()) as { recordings: Told[] }).recordings;
}

/** The first recording of which `test` holds. */
async function when(server: ServerProcess, test: (one: Told) => boolean): Promise<Told> {
  for (let i = 0; i < 600; i++) {
    const found = (await told(server)).find(test);
    if (found !== undefined) return found;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`not within a minute: ${JSON.stringify(await told(server))}\n${server.output()}`);
}

function secondsOf(t: TestContext, path: string): number {
  const fields = "-v warning -show_entries format=duration -of csv=p=0".split(" ");
  return Number(run(t, "ffprobe", [...fields, path]));
}

function decoded(t: TestContext, path: string): void {
  run(t, "ffmpeg", ["-v", "warning", "-xerror", "-i", path, "-f", "null", "-"]);
}

describe("a server that records", () => {
  test("killed in the middle it loses its last part at most; the next start finishes the file", async (t) => {
    const root = folder(t);
    const server = await recording(t, root);
    const { file, duration_ms } = await when(server, (one) => one.duration_ms > 4000);
    await server.stop("SIGKILL");
    const part = join(root, `${file}.part`);
    const left = secondsOf(t, part);
    assert.ok(left > duration_ms / 1000 - 2.5, `${left} s of ${duration_ms} ms`);
    decoded(t, part);

    const next = await recording(t, root, { args: ["--demo", "off"] });
    const path = join(root, file);
    for (let i = 0; i < 600 && existsSync(part); i++) {
      await new Promise((wake) => setTimeout(wake, 100));
    }
    assert.deepEqual(readdirSync(join(root, "live")), [file.replace("live/", "")]);
    const bytes = readFileSync(path);
    assert.ok(bytes.indexOf("moov") < bytes.indexOf("mdat"), "fast start");
    assert.equal(bytes.indexOf("moof"), -1);
    assert.ok(Math.abs(secondsOf(t, path) - left) < 0.1);
    decoded(t, path);
    await until(() => /Recorded file=/.test(next.output()), "the log says so");
  });

  test("on a full disk the recording stops, is told, and the stream goes on", async (t) => {
    const root = folder(t);
    const mount = `mount -t tmpfs -o size=400k none ${root} && exec "$@"`;
    const prefix = [need("unshare"), "-m", "sh", "-c", mount, "sh"];
    const server = await recording(t, root, { prefix });
    const { error, id } = await when(server, (one) => one.state === "failed");
    assert.match(error, /ENOSPC|[Nn]o space left/);
    const logged = (): boolean =>
      /ERROR A recording failed stream=live\/demo/.test(server.output());
    await until(logged, "the log says so");
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /monoport_recordings_failed_total\{code="ENOSPC"\} 1/);
    // There is no room for it to be written anew: it stays in fragments, of which the last is whole.
    const live = join(`/proc/${server.pid}/root`, root, "live");
    for (let i = 0; i < 600 && !readdirSync(live)[0]?.endsWith(".mp4"); i++) {
      await new Promise((wake) => setTimeout(wake, 50));
    }
    assert.deepEqual(
      readdirSync(live).map((name) => name.replace(/\d+/, "TIME")),
      ["demo.TIME.mp4"],
    );
    decoded(t, join(live, readdirSync(live)[0] ?? ""));
    const flv = await fetch(`${server.url}/live/demo.flv`);
    const reader = flv.body?.getReader();
    let bytes = 0;
    while (bytes < 50_000) bytes += (await reader?.read())?.value?.length ?? 50_000;
    await reader?.cancel();
    // Asked again it fails again, and says so.
    const again = await fetch(`${server.url}/api/v1/recordings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ app: "live", stream: "demo", format: "flv" }),
    });
    assert.equal(again.status, 200);
    await when(server, (one) => one.state === "failed" && one.id !== id);
  });

  test("Deno without the permission to write does not start, and names the flag", async (t) => {
    const root = folder(t);
    const started = recording(t, root, { runtime: "deno" });
    await assert.rejects(started, (error: Error) => {
      assert.match(
        error.message,
        /vhost\.dvr\.dvr_path: cannot write to the folder .*--allow-write=/,
      );
      return true;
    });
    const denoFlags = [`--allow-write=${root}`];
    const server = await recording(t, root, { runtime: "deno", denoFlags });
    const { file } = await when(server, (one) => one.bytes > 0);
    await server.stop();
    decoded(t, join(root, file));
  });
});
