/** Recordings of streams that a test gives out by hand, in a folder of its own. @module */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Files, Runtime } from "../../../core/base/mod.ts";
import type { Frame, FrameFormat, FrameSink, StreamName } from "../../../core/stream/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { parseConfig } from "../../../server/config/config.ts";
import type { FrameSource, TapOptions } from "../../../server/frames/mod.ts";
import { Log } from "../../../server/log.ts";
import { type Metrics, serverMetrics } from "../../../server/metrics.ts";
import {
  openRecordings,
  type RecordingFinished,
  type Recordings,
} from "../../../server/record/mod.ts";

export interface StageOptions {
  /** Settings as on the command line; `dvr_path` is below the stage's folder. */
  readonly args?: readonly string[];
  /** Below the folder. */
  readonly path?: string;
  readonly folder?: string;
  readonly files?: (real: Files) => Files;
  readonly wakeAt?: Runtime["wakeAt"];
  /** Timers fire after so small a part of their time. */
  readonly hurry?: number;
  /** Whether somebody publishes what is asked for. */
  readonly live?: (key: string) => boolean;
}

export interface Stage {
  readonly recordings: Recordings;
  readonly feed: Feed;
  readonly folder: string;
  readonly metrics: Metrics;
  readonly lines: string[];
  readonly finished: RecordingFinished[];
  /** Names of all files below the folder. */
  readonly names: () => string[];
}

/** Every stream at once. */
export class Feed implements FrameSource {
  readonly taps: { readonly name: StreamName; readonly options: TapOptions; sink: FrameSink }[] =
    [];

  tap(name: StreamName, options: TapOptions, sink: FrameSink): Disposable {
    const tap = { name, options, sink };
    this.taps.push(tap);
    return { [Symbol.dispose]: () => void this.taps.splice(this.taps.indexOf(tap), 1) };
  }

  format(...formats: readonly FrameFormat[]): void {
    for (const { sink } of [...this.taps]) for (const one of formats) sink.handleFormat(one);
  }

  frame(frame: Frame): void {
    for (const { sink } of [...this.taps]) sink.handleFrame(frame);
  }

  /**
   * So many ms from `from` on, 25 pictures and 50 packets of sound a second with a keyframe every
   * second, each picture of `bytes`.
   */
  play(from: number, millis: number, bytes = 100): void {
    const data = new Uint8Array(bytes).fill(7);
    for (let at = from; at < from + millis; at += 20) {
      const times = { dts: at, pts: at, data };
      if (at % 40 === 0) this.frame({ kind: "video", keyframe: at % 1000 === 0, ...times });
      this.frame({ kind: "audio", keyframe: true, ...times, data: data.subarray(0, 50) });
    }
  }

  end(): void {
    for (const { sink } of [...this.taps]) sink.handleEnd();
  }
}

export async function stage(t: TestContext, options: StageOptions = {}): Promise<Stage> {
  const real = await loadRuntime();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "monoport-record-"));
  let opened: Recordings | undefined;
  t.after(async () => {
    await opened?.close();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  });
  const path = `${folder}/${options.path ?? "[app]/[stream].[timestamp].mp4"}`;
  const args = ["--vhost.dvr.dvr_path", path, "--vhost.dvr.dvr_min_free", "0"];
  const { config } = parseConfig({}, [...args, ...(options.args ?? [])]);
  const { hurry = 1 } = options;
  const hurried: Runtime["wakeAt"] = (at, fire) => {
    const now = real.now();
    return real.wakeAt(now + (at - now) / hurry, fire);
  };
  const { wakeAt = hurried } = options;
  const runtime: Runtime = { ...real, wakeAt, files: options.files?.(real.files) ?? real.files };
  const lines: string[] = [];
  const log = new Log({ wallClock: () => 0, print: (line) => void lines.push(line) }, "debug");
  const metrics = serverMetrics();
  const feed = new Feed();
  const live = options.live ?? (() => true);
  const hub = {
    stream: (key: string) => ({
      live: live(key),
      track: () => ({ format: undefined }),
      frames: { given: () => undefined },
    }),
  };
  const rtc = { observers: [], hub } as never;
  const recordings = await openRecordings({ runtime, config, log, metrics, frames: feed, rtc });
  opened = recordings;
  const finished: RecordingFinished[] = [];
  recordings.onFinished((one) => void finished.push(one));
  const names = (): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();
  return { recordings, feed, folder, metrics, lines, finished, names };
}

/** Waits for what files do meanwhile. */
export async function until(what: string, test: () => boolean): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (test()) return;
    await new Promise((wake) => setTimeout(wake, 10));
  }
  throw new Error(`${what}: not within 30 s`);
}
