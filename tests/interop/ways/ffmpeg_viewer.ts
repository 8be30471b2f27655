/** ffmpeg as a viewer: what it decodes, its complaints, and how far sound and picture are apart. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { need } from "../../tools.ts";
import type { Seen } from "./seen.ts";

/** Seconds of the stream that are looked at: the first ones of HLS may be silent, for sound that is late. */
const SECONDS = 5.5;
/** Average luma of a flash; the picture between has half of it. */
const FLASH = 200;
/** dB, of a beep and of the silence between, which codecs do not leave at nothing. */
const BEEP = -24;
const QUIET = -36;

const PICTURES =
  "scale=16:16,signalstats,metadata=print:key=lavfi.signalstats.YAVG:direct=1:file='pipe\\:3'";
const SOUNDS =
  "asetnsamples=n=240:p=0,astats=metadata=1:reset=1:measure_perchannel=Zero_crossings_rate:measure_overall=RMS_level,ametadata=print:direct=1:file='pipe\\:4'";

/**
 * Plays `url` for some seconds, without the picture if it is told so; all that is wrong stands in `complaints`.
 */
export async function ffmpegSees(url: string, picture: boolean, millis: number): Promise<Seen> {
  // It would look 5 MB far for a picture it does not know.
  const probe = picture ? [] : "-analyzeduration 500000 -probesize 100000".split(" ");
  const args = [
    ...probe,
    ..."-hide_banner -nostdin -nostats -loglevel level+info -rw_timeout 20000000 -i".split(" "),
    url,
    ...(picture
      ? `-t ${SECONDS} -map 0:v -vf ${PICTURES} -enc_time_base -1 -f null -`.split(" ")
      : []),
    ...`-t ${SECONDS} -map 0:a -af ${SOUNDS} -f null -`.split(" "),
  ];
  const child = spawn(need("ffmpeg"), args, {
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
    timeout: millis,
    killSignal: "SIGKILL",
  });
  const [, log, pictures, sounds] = await Promise.all([
    once(child, "exit"),
    ...[2, 3, 4].map((fd) => textOf(child.stdio[fd] as Readable)),
  ]);
  // GStreamer's flvmux on a busy machine gives frames the times of others, and ffmpeg's muxer of nothing minds.
  const complaints = (log?.match(/^.*\[(?:error|fatal|panic)\].*$/gm) ?? []).filter(
    (line) => !line.includes("non monotonically increasing dts to muxer"),
  );
  if (child.exitCode !== 0) complaints.push(`it ended with ${child.exitCode ?? child.signalCode}`);
  const input = log?.slice(0, log.indexOf("Stream mapping")) ?? "";
  const codec = (kind: string): string | undefined =>
    new RegExp(`Stream #.*: ${kind}: (\\w+)`).exec(input)?.[1];
  const rate = Number(/Audio: .*?(\d+) Hz/.exec(input)?.[1] ?? 0);
  return {
    video: codec("Video"),
    audio: codec("Audio"),
    complaints,
    ...measure(pictures ?? "", sounds ?? "", rate),
  };
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const piece of stream.setEncoding("utf8")) text += piece;
  return text;
}

function measure(
  pictures: string,
  sounds: string,
  rate: number,
): Pick<Seen, "frames" | "heard" | "hertz" | "apart"> {
  const flashes: number[] = [];
  let frames = 0;
  let bright = true; // a flash that was there from the beginning says nothing
  for (const [, time, luma] of pictures.matchAll(/pts_time:(\S+)\n\S+YAVG=(\S+)/g)) {
    frames++;
    if (Number(luma) > FLASH && !bright) flashes.push(Number(time));
    bright = Number(luma) > FLASH;
  }
  const beeps: number[] = [];
  const crossings: number[] = [];
  let quiet = false;
  for (const [, time, rest = ""] of sounds.matchAll(/pts_time:(\S+)\n((?:lavfi.*\n)+)/g)) {
    const level = Number(/Overall\.RMS_level=(\S+)/.exec(rest)?.[1] ?? Number.NEGATIVE_INFINITY);
    if (level > BEEP) {
      if (quiet) beeps.push(Number(time));
      quiet = false;
      crossings.push(Number(/1\.Zero_crossings_rate=(\S+)/.exec(rest)?.[1]));
    } else if (Number.isNaN(level) || level < QUIET) quiet = true;
  }
  // The usual one: where a beep begins and ends there are others.
  const crossed = crossings.toSorted((a, b) => a - b)[crossings.length >> 1] ?? 0;
  return {
    frames,
    heard: crossings.length > 0,
    hertz: (crossed * rate) / 2,
    apart: apart(flashes, beeps),
  };
}

/** Of each flash how many ms the picture is behind its beep; those whose beep was not played are left out. */
function apart(flashes: readonly number[], beeps: readonly number[]): number[] {
  const all: number[] = [];
  for (const flash of flashes) {
    const off = beeps.map((beep) => (flash - beep) * 1000);
    const [least] = off.toSorted((a, b) => Math.abs(a) - Math.abs(b));
    if (least !== undefined && Math.abs(least) < 500) all.push(least);
  }
  return all;
}
