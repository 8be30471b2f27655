import { describeFileError } from "../file_error.ts";
import { codeLabel } from "./error_code.ts";
import type { RecordingsOptions } from "./recordings.ts";
import { type DeletedFor, Retention } from "./retention.ts";
import type { RecordedFile, RecordingStore } from "./store.ts";

export type DeletedListener = (file: RecordedFile, why: DeletedFor) => void;

/** As configured, told in log and metrics, and what is deleted to the listeners there are by then. */
export function openRetention(
  options: RecordingsOptions,
  store: RecordingStore,
  listeners: ReadonlySet<DeletedListener>,
): Retention {
  const { runtime, config, log, metrics } = options;
  const retention = new Retention({
    runtime,
    store,
    maxAge: config["vhost.dvr.dvr_max_age"],
    maxBytes: config["vhost.dvr.dvr_max_total"] * 2 ** 20,
    onDeleted: (file, why) => {
      const { path, size } = file;
      metrics.count("monoport_recordings_deleted_total", why);
      log.event("Recording deleted", { file: path, for: why, bytes: size });
      for (const listener of [...listeners]) listener(file, why);
    },
    onFailed: (path, error, told) => {
      metrics.count("monoport_recordings_not_deleted_total", codeLabel(error));
      if (told) return;
      const words = describeFileError(error, `--allow-write=${store.root}`);
      log.error("Cannot delete a recording", { file: path, error: words });
    },
  });
  metrics.gauge(
    "monoport_recordings_kept_bytes",
    "Bytes of finished recordings when old ones were looked for last",
    () => retention.bytes,
  );
  return retention;
}
