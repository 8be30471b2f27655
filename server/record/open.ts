/** Recordings as configured. @module */
import { MonoportError } from "../../core/base/mod.ts";
import type { MediaKind } from "../../core/media/mod.ts";
import { describeFileError } from "../file_error.ts";
import type { RtcServer } from "../rtc/mod.ts";
import { Recordings, type RecordingsOptions } from "./recordings.ts";

/**
 * Not begun yet: they begin with what is published.
 *
 * @throws {MonoportError} `config-invalid` when streams shall be recorded and the folder cannot be made.
 */
export async function openRecordings(
  options: Omit<RecordingsOptions, "live" | "hasTrack"> & {
    readonly rtc: Pick<RtcServer, "observers" | "hub">;
  },
): Promise<Recordings> {
  const { config, runtime, rtc } = options;
  const live = (key: string): boolean => rtc.hub.stream(key)?.live === true;
  const hasTrack = (key: string, kind: MediaKind): boolean => {
    const stream = rtc.hub.stream(key);
    return stream?.track(kind).format !== undefined || stream?.frames.given(kind) !== undefined;
  };
  const recordings = new Recordings({ ...options, live, hasTrack });
  rtc.observers.push((event) => recordings.handleHubEvent(event));
  if (!config["vhost.dvr.enabled"]) return recordings;
  const { root } = recordings.store;
  try {
    await runtime.files.makeDir(root);
    const probe = `${root}/.monoport-${runtime.pid}`;
    await runtime.files.write(probe, new Uint8Array(0));
    await runtime.files.remove(probe);
  } catch (error) {
    const words = describeFileError(error, `--allow-write=${root}`);
    throw new MonoportError(
      "config-invalid",
      `vhost.dvr.dvr_path: cannot write to the folder ${root}: ${words}`,
    );
  }
  return recordings;
}
