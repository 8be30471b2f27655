/** ffmpeg as a viewer: what it decodes, its complaints, and how far sound and picture are apart. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { need } from "../../tools.ts";
import { clipSeen, type Picture, SECONDS, type Sound } from "./clip_seen.ts";
import type { Seen } from "./seen.ts";

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
    ...clipSeen(picturesOf(pictures ?? ""), soundsOf(sounds ?? ""), rate),
  };
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const piece of stream.setEncoding("utf8")) text += piece;
  return text;
}

function picturesOf(text: string): Picture[] {
  const found = text.matchAll(/pts_time:(\S+)\n\S+YAVG=(\S+)/g);
  return Array.from(found, ([, time, luma]) => [Number(time), Number(luma)]);
}

function soundsOf(text: string): Sound[] {
  const found = text.matchAll(/pts_time:(\S+)\n((?:lavfi.*\n)+)/g);
  return Array.from(found, ([, time, rest = ""]) => {
    const level = /Overall\.RMS_level=(\S+)/.exec(rest)?.[1] ?? Number.NEGATIVE_INFINITY;
    return [Number(time), Number(level), Number(/1\.Zero_crossings_rate=(\S+)/.exec(rest)?.[1])];
  });
}
