/** HLS as configured. @module */
import { MonoportError, type Runtime } from "../../core/base/mod.ts";
import type { HubEvent, StreamName } from "../../core/stream/mod.ts";
import type { Config } from "../config/config.ts";
import { DEMO_APP, DEMO_STREAM } from "../demo/demo.ts";
import { describeFileError } from "../file_error.ts";
import type { FrameSource } from "../frames/mod.ts";
import type { Hooks } from "../hooks/mod.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { RtcServer } from "../rtc/mod.ts";
import { Hls, type HlsSegment } from "./hls.ts";
import { StreamFiles, type WrittenSegment } from "./stream_files.ts";

export interface OpenHlsOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly hooks: Hooks | undefined;
  readonly rtc: Pick<RtcServer, "observers" | "hub">;
  readonly frames: FrameSource;
}

/** What `/diagnose` sends, and our own clip, are nothing to keep. */
const NOT_APP = "diagnose";
const DEMO = `${DEMO_APP}/${DEMO_STREAM}`;

/**
 * HLS belongs to the pages' server, as with SRS; its files do not.
 *
 * @throws {MonoportError} `config-invalid` when there shall be files and the folder cannot be written to.
 */
export async function openHls(options: OpenHlsOptions): Promise<Hls | undefined> {
  const { runtime, config, hooks, frames, rtc, log } = options;
  const root = config["vhost.hls.hls_path"];
  if (!config["vhost.hls.enabled"] || (!config["http_server.enabled"] && root === ""))
    return undefined;
  if (root !== "") await probe(runtime, root);
  const hls = new Hls({
    runtime,
    hooks,
    frames,
    fragmentMillis: config["vhost.hls.hls_fragment"],
    windowMillis: config["vhost.hls.hls_window"],
    partMillis: config["vhost.hls.hls_part"],
    disposeMillis: config["vhost.hls.hls_dispose"],
    maxStreams: config["limits.hls_streams"],
    published: ({ key }) => rtc.hub.stream(key)?.live === true,
    ts: config["vhost.hls.hls_ts"],
    cleanup: config["vhost.hls.hls_cleanup"],
    files: root === "" ? undefined : (name, seconds) => streamFiles(options, root, name, seconds),
    onSegment: (segment) => {
      if (root === "") tell(hooks, segment, undefined, "");
    },
  });
  if (root === "") return hls;
  rtc.observers.push((event: HubEvent) => {
    if (event.type !== "published") return;
    const { name } = event.stream;
    if (name.app === NOT_APP || name.key === DEMO || hls.write(name)) return;
    log.limited("error", "A stream gets no HLS files (limits.hls_streams)", { stream: name.key });
  });
  return hls;
}

function streamFiles(
  { runtime, config, log, metrics, hooks }: OpenHlsOptions,
  root: string,
  name: StreamName,
  targetSeconds: number,
): StreamFiles {
  return new StreamFiles(name, targetSeconds, {
    files: runtime.files,
    log,
    metrics,
    root,
    playlist: config["vhost.hls.hls_m3u8_file"],
    segment: config["vhost.hls.hls_ts_file"],
    extension: config["vhost.hls.hls_ts"] ? "ts" : "m4s",
    cleanup: config["vhost.hls.hls_cleanup"],
    windowMillis: config["vhost.hls.hls_window"],
    wallClock: () => runtime.wallClock(),
    onWritten: (segment, written) =>
      tell(hooks, { ...segment, stream: name, audio: "aac" }, written, root),
  });
}

/** The hook on_hls: of the segments with AAC, not those of another sound beside them. */
function tell(
  hooks: Hooks | undefined,
  { stream, audio, entry, name }: HlsSegment,
  written: WrittenSegment | undefined,
  root: string,
): void {
  if (audio !== "aac") return;
  hooks?.segment(stream, {
    duration: entry.duration / 1000,
    file: written === undefined ? "" : `${root}/${written.file}`,
    url: `${stream.key}/${name}`,
    m3u8: written === undefined ? "" : `${root}/${written.playlist}`,
    m3u8_url: `${stream.key}.m3u8`,
    seq_no: written?.seq ?? entry.number,
  });
}

async function probe({ files, pid }: Runtime, root: string): Promise<void> {
  try {
    await files.makeDir(root);
    const path = `${root}/.monoport-${pid}`;
    await files.write(path, new Uint8Array(0));
    await files.remove(path);
  } catch (error) {
    const words = describeFileError(error, `--allow-read=${root} and --allow-write=${root}`);
    throw new MonoportError(
      "config-invalid",
      `vhost.hls.hls_path: cannot write to the folder ${root}: ${words}`,
    );
  }
}
