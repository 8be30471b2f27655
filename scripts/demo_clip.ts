/**
 * Makes web/demo/clip.bin, the clip of the stream live/demo: 10 s that loop without a seam.
 *
 * Run by hand, with ffmpeg (libx264, libopus) and DejaVu fonts; the result is in git. The format
 * is drawn in server/demo/demo_clip.ts. Then `npm run pages`.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { need, repository } from "../tests/tools.ts";

const seconds = 10;
const framesPerSecond = 30;
/** Of the clip's timestamps. */
const ticksPerSecond = 90_000;
const opusPacketMillis = 20;

interface Entry {
  readonly flags: number;
  readonly timestamp: number;
  readonly bytes: Uint8Array;
}

const audioFlag = 1;
const keyframeFlag = 2;

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), "monoport-clip-"));
  try {
    const video = videoEntries(encodeVideo(join(folder, "video.h264")));
    const audio = audioEntries(encodeAudio(join(folder, "audio.ogg")));
    const clip = encodeClip([...video, ...audio]);
    mkdirSync(join(repository, "web/demo"), { recursive: true });
    writeFileSync(join(repository, "web/demo/clip.bin"), clip);
    console.log(`${video.length} frames, ${audio.length} packets, ${clip.length} bytes`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Rings that leave one point, a hand that turns once in the clip, the name, the time, the frame.
 */
function picture(): string {
  const [x, y] = ["(X-470)", "(Y-170)"];
  const distance = `hypot(${x},${y})`;
  const turn = `mod(atan2(${y},${x})/(2*PI)+1-T/${seconds},1)`;
  const fade = `max(0,1-${distance}/330)`;
  const rings = `150*pow(max(0,cos(${distance}/11-2*PI*T)),6)*${fade}`;
  const hand = `70*pow(${turn},5)*lt(${distance},118)`;
  const point = `235*lt(${distance},9)`;
  const light = `min(235,24+10*Y/H+max(${point},${rings}+${hand}))`;
  const blue = `128+22+14*sin(2*PI*T/${seconds})*${fade}`;
  const red = `128-16-16*cos(2*PI*T/${seconds})*${fade}`;
  const text = (file: string, size: number, at: string, what: string): string =>
    `drawtext=fontfile=/usr/share/fonts/truetype/dejavu/${file}.ttf:fontsize=${size}:fontcolor=white:${at}:text='${what}'`;
  return [
    `color=black:size=640x360:rate=${framesPerSecond}:duration=${seconds}`,
    "format=yuv420p",
    `geq=lum='${light}':cb='${blue}':cr='${red}'`,
    text("DejaVuSans-Bold", 46, "x=36:y=118", "Monoport"),
    text("DejaVuSans", 19, "x=39:y=174", "live on one TCP port"),
    text("DejaVuSansMono-Bold", 22, "x=25:y=292", "%{pts\\:hms}"),
    text("DejaVuSansMono", 16, "x=39:y=322", "frame %{eif\\:n\\:d\\:3} of 300"),
  ].join(",");
}

function encodeVideo(file: string): Uint8Array {
  const x264 = [
    `keyint=${framesPerSecond}:min-keyint=${framesPerSecond}:scenecut=0:bframes=0`,
    "repeat-headers=1:aud=1:threads=1:vbv-maxrate=700:vbv-bufsize=700",
  ].join(":");
  run([
    ...["-f", "lavfi", "-i", picture(), "-frames:v", String(seconds * framesPerSecond)],
    ...["-c:v", "libx264", "-profile:v", "baseline", "-level:v", "3.1", "-preset", "veryslow"],
    ...["-b:v", "520k", "-x264-params", x264, "-bitexact", "-f", "h264", file],
  ]);
  return readFileSync(file);
}

/** Four soft chords of 2.5 s, each rising from and falling to silence. */
function chords(): string {
  const notes = [
    [220, 261.63, 329.63],
    [174.61, 261.63, 349.23],
    [196, 261.63, 392],
    [196, 246.94, 392],
  ];
  const chord = (detune: number): string =>
    notes
      .map((pitches, index) => {
        const tones = pitches.map((pitch) => `sin(2*PI*${pitch + detune}*t)`).join("+");
        return `between(t,${index * 2.5},${index * 2.5 + 2.4999})*(${tones})`;
      })
      .join("+");
  const swell = "0.045*pow(sin(PI*mod(t,2.5)/2.5),2)";
  return `aevalsrc=exprs='${swell}*(${chord(0)})|${swell}*(${chord(0.6)})':s=48000:d=${seconds}`;
}

function encodeAudio(file: string): Uint8Array {
  run([
    ...["-f", "lavfi", "-i", chords(), "-c:a", "libopus", "-b:a", "48k"],
    ...["-frame_duration", String(opusPacketMillis), "-application", "audio"],
    ...["-bitexact", "-f", "ogg", file],
  ]);
  return readFileSync(file);
}

function run(options: readonly string[]): void {
  execFileSync(need("ffmpeg"), ["-v", "error", "-y", ...options], { stdio: "inherit" });
}

/**
 * One entry per access unit of an Annex B stream with access unit delimiters, which are left out.
 */
function videoEntries(stream: Uint8Array): Entry[] {
  const units: Uint8Array[][] = [];
  for (const nal of nalUnits(stream)) {
    if (nalType(nal) === 9) units.push([]);
    else if (nalType(nal) !== 6) units.at(-1)?.push(nal);
  }
  return units.map((nals, index) => ({
    flags: nals.some((nal) => nalType(nal) === 5) ? keyframeFlag : 0,
    timestamp: (index * ticksPerSecond) / framesPerSecond,
    bytes: Buffer.concat(nals.flatMap((nal) => [u32(nal.length), nal])),
  }));
}

function nalType(nal: Uint8Array): number {
  return (nal[0] ?? 0) & 31;
}

function nalUnits(stream: Uint8Array): Uint8Array[] {
  const starts: number[] = [];
  for (let i = 0; i + 3 <= stream.length; i++) {
    if (stream[i] === 0 && stream[i + 1] === 0 && stream[i + 2] === 1) starts.push(i + 3);
  }
  return starts.map((start, index) => {
    const next = starts[index + 1];
    let end = next === undefined ? stream.length : next - 3;
    while (end > start && stream[end - 1] === 0) end--;
    return stream.subarray(start, end);
  });
}

/** One entry per Opus packet of an Ogg file (RFC 3533 §6), without OpusHead and OpusTags. */
function audioEntries(ogg: Uint8Array): Entry[] {
  const packets: Uint8Array[] = [];
  let part: Uint8Array[] = [];
  for (let at = 0; at < ogg.length; ) {
    const lacing = ogg.subarray(at + 27, at + 27 + (ogg[at + 26] ?? 0));
    at += 27 + lacing.length;
    for (const length of lacing) {
      part.push(ogg.subarray(at, at + length));
      at += length;
      if (length === 255) continue;
      packets.push(Buffer.concat(part));
      part = [];
    }
  }
  const count = (seconds * 1000) / opusPacketMillis;
  return packets.slice(2, 2 + count).map((bytes, index) => ({
    flags: audioFlag,
    timestamp: (index * opusPacketMillis * ticksPerSecond) / 1000,
    bytes,
  }));
}

function encodeClip(entries: readonly Entry[]): Uint8Array {
  const inOrder = [...entries].sort(
    (a, b) => a.timestamp - b.timestamp || (a.flags & audioFlag) - (b.flags & audioFlag),
  );
  const parts: Uint8Array[] = [Buffer.from("MPC1"), u32(seconds * ticksPerSecond)];
  for (const { flags, timestamp, bytes } of inOrder) {
    parts.push(Uint8Array.of(flags), u32(timestamp), u32(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

main();
