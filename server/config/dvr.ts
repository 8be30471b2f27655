/** The settings of recordings, SRS's `dvr`. @module */
import * as v from "valibot";
import { parsePathTemplate } from "../record/path_template.ts";
import { onOff, type Setting, seconds, setting, wholeNumber, words } from "./types.ts";

export interface DvrConfig {
  /** Whether streams are recorded when they are published; the API and hooks need it not. */
  readonly "vhost.dvr.enabled": boolean;
  /** Which streams: `all`, or `app/stream`. */
  readonly "vhost.dvr.dvr_apply": readonly string[];
  /** A template; its ending tells the format. */
  readonly "vhost.dvr.dvr_path": string;
  /** One file per publishing, or one per `dvr_duration`. */
  readonly "vhost.dvr.dvr_plan": "session" | "segment";
  /** How long files of the plan `segment` are, in ms. */
  readonly "vhost.dvr.dvr_duration": number;
  /** Whether files are split at keyframes only. */
  readonly "vhost.dvr.dvr_wait_keyframe": boolean;
  /** The codec of sound in them. */
  readonly "vhost.dvr.dvr_acodec": "aac" | "opus";
  /** Files are split before they get larger, in MiB. */
  readonly "vhost.dvr.dvr_max_size": number;
  /** Finished recordings that are older are deleted, in ms; 0: none. */
  readonly "vhost.dvr.dvr_max_age": number;
  /** The oldest finished recordings are deleted when all together are larger, in MiB; 0: none. */
  readonly "vhost.dvr.dvr_max_total": number;
  /** Recording stops before less than that is left on the volume, in MiB. */
  readonly "vhost.dvr.dvr_min_free": number;
  /** Whether finished recordings are listed, sent and deleted over HTTP. */
  readonly "vhost.http_static.enabled": boolean;
  /** Recordings at a time. */
  readonly "limits.recordings": number;
}

type DvrSettings = { readonly [Key in keyof DvrConfig]: Setting<DvrConfig[Key]> };

const pathTemplate: v.GenericSchema<string, string> = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const parsed = parsePathTemplate(dataset.value);
    if (typeof parsed === "string") addIssue({ message: parsed });
  }),
);

export const dvrSettings: DvrSettings = {
  "vhost.dvr.enabled": setting(onOff, "off", "record streams when they are published"),
  "vhost.dvr.dvr_apply": setting(
    v.pipe(
      words,
      v.everyItem(
        (one) =>
          one === "all" || /^[A-Za-z0-9_-][A-Za-z0-9._-]*\/[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(one),
        "all, or APP/STREAM, several separated by blanks",
      ),
    ),
    "all",
    "streams that are recorded: all (but live/demo), or APP/STREAM ...",
  ),
  "vhost.dvr.dvr_path": setting(
    pathTemplate,
    "./recordings/[app]/[stream].[timestamp].mp4",
    "where recordings are written; .mp4 or .flv",
  ),
  "vhost.dvr.dvr_plan": setting(
    v.picklist(["session", "segment"], "session or segment"),
    "session",
    "one file per publishing, or one per dvr_duration",
  ),
  "vhost.dvr.dvr_duration": setting(
    seconds(1, 86_400),
    "30",
    "seconds of a file, with dvr_plan segment",
  ),
  "vhost.dvr.dvr_wait_keyframe": setting(onOff, "on", "split files at keyframes only"),
  "vhost.dvr.dvr_acodec": setting(
    v.picklist(["aac", "opus"], "aac or opus"),
    "aac",
    "codec of the sound in recordings",
  ),
  "vhost.dvr.dvr_max_size": setting(
    wholeNumber(1, 1_000_000),
    "4000",
    "MiB at which a recording goes on in another file",
  ),
  "vhost.dvr.dvr_max_age": setting(
    v.pipe(
      wholeNumber(0, 999_999_999),
      v.transform((whole) => whole * 1000),
    ),
    "0",
    "seconds after which finished recordings are deleted; 0: never",
  ),
  "vhost.dvr.dvr_max_total": setting(
    wholeNumber(0, 999_999_999),
    "0",
    "MiB of finished recordings beyond which the oldest are deleted; 0: never",
  ),
  "vhost.dvr.dvr_min_free": setting(
    wholeNumber(0, 10_000_000),
    "500",
    "MiB that are kept free on the volume",
  ),
  "vhost.http_static.enabled": setting(onOff, "on", "serve finished recordings"),
  "limits.recordings": setting(wholeNumber(0, 10_000), "100", "recordings at a time"),
};

/** What is wrong with settings that are right each for itself. */
export function checkDvr(config: DvrConfig): string[] {
  const [all, one] = [config["vhost.dvr.dvr_max_total"], config["vhost.dvr.dvr_max_size"]];
  if (all === 0 || all >= one) return [];
  return [
    `vhost.dvr.dvr_max_total: ${all} MiB are less than one recording may have: at least ${one}, or a smaller vhost.dvr.dvr_max_size`,
  ];
}
