/** GStreamer as publisher and viewer of RTMP. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { need } from "../../tools.ts";
import type { Seen } from "./seen.ts";

/** Pictures and buffers of sound that are decoded. */
const FRAMES = 51;
const SOUNDS = 80;

/** H.264 and AAC with a tone of 1 kHz. */
export function gstreamerPublishes(url: string): ChildProcess {
  for (const plugin of ["base", "flv", "rtmp", "x264", "voaacenc"] as const)
    need(`gstreamer ${plugin}`);
  const pipeline = [
    "-q videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1",
    "! x264enc tune=zerolatency speed-preset=ultrafast bitrate=300 key-int-max=25",
    "! video/x-h264,profile=baseline ! h264parse ! mux.",
    "audiotestsrc is-live=true freq=1000 volume=0.4 samplesperbuffer=1024",
    "! audio/x-raw,rate=44100,channels=2 ! voaacenc bitrate=64000 ! aacparse ! mux.",
    `flvmux name=mux streamable=true ! rtmp2sink location=${url}`,
  ].join(" ");
  return spawn(need("gst-launch-1.0"), pipeline.split(" "), { stdio: "ignore", timeout: 120_000 });
}

/** Decodes some seconds of sound, and of pictures too if `video` says that there are any. */
export async function gstreamerSees(url: string, video: boolean, millis: number): Promise<Seen> {
  for (const plugin of ["flv", "rtmp", "openh264", "faad", "level"] as const)
    need(`gstreamer ${plugin}`);
  const pictures = `d.video ! queue ! h264parse ! openh264dec ! identity eos-after=${FRAMES} ! fakesink sync=false`;
  const pipeline = [
    `-m rtmp2src location=${url} ! flvdemux name=d`,
    ...(video ? [pictures] : []),
    `d.audio ! queue ! aacparse ! faad ! level interval=100000000 ! identity eos-after=${SOUNDS}`,
    "! fakesink sync=false",
  ].join(" ");
  const child = spawn(need("gst-launch-1.0"), pipeline.split(" "), {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: millis,
    killSignal: "SIGKILL",
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  await once(child, "close");
  const complaints: string[] = said.match(/^(ERROR|WARNING).*$/gm) ?? [];
  if (child.exitCode !== 0) complaints.push(`it ended with ${child.exitCode ?? child.signalCode}`);
  const peaks = [...said.matchAll(/peak=\(\w+\)[{<] ([-\d.]+)/g)].map(([, peak]) => Number(peak));
  const whole = complaints.length === 0;
  return {
    video: video && whole ? "h264" : undefined,
    audio: whole ? "aac" : undefined,
    // It ends by itself when it has decoded all of them.
    frames: video && whole ? FRAMES - 1 : 0,
    heard: peaks.some((peak) => peak > -20),
    hertz: 0,
    apart: [],
    complaints,
  };
}
