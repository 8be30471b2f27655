/** Everybody who publishes in the table. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Browser } from "playwright-core";
import type { Browser as Firefox } from "puppeteer-core";
import { type ServerProcess, startServer } from "../../server_process.ts";
import { need } from "../../tools.ts";
import { publishEnhanced } from "./enhanced.ts";
import { gstreamerPublishes } from "./gstreamer.ts";
import { type Publish, publishInPage } from "./page.ts";
import { rtpPublishes } from "./rtp.ts";
import type { PublisherName } from "./table.ts";
import { type WebrtcbinPublish, webrtcbinPublishes } from "./webrtcbin.ts";

export interface Stage {
  /** The same is published to each. */
  readonly servers: readonly ServerProcess[];
  readonly browser: Browser;
  /** For rows that publish from it. */
  readonly firefox?: Firefox;
}

/** Somebody who publishes; the stream is there, or soon will be. */
export interface Publishing {
  stop(): Promise<void>;
}

export interface PublisherKind {
  /** Hz of the tone, 0 where there is another sound. */
  readonly tone: number;
  /** How far a flash may be from its beep in ms; `undefined` where there are none. */
  readonly apart: number | undefined;
  /** Pictures in a second. */
  readonly rate: number;
  /** Its encoder takes so much that two cores have no time for another publisher. */
  readonly heavy?: boolean;
  start(stage: Stage, stream: string): Promise<Publishing>;
}

/** Drawn by the page when its timers let it, beside the sound's own clock. */
const CHROMIUM_APART = 250;
const APART = 40;
/** Where arrival places them: the sender reports of webrtcbin 1.22 run twice as fast as the time. */
const ARRIVAL_APART = 250;

const ffmpegClip = { tone: 1000, apart: APART, rate: 25 } as const;
const AAC = "-c:a aac -b:a 96k -ac 2";
const H264 =
  "-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -pix_fmt yuv420p -g 25 -b:v 300k";

const H265 =
  "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25:bframes=0 -pix_fmt yuv420p";

export const H264_AAC: string = `${H264} ${AAC}`;

export const PUBLISHERS: Readonly<Record<PublisherName, PublisherKind>> = {
  "Chromium, WHIP over TCP: H.264, Opus": chromium("h264", "tcp"),
  "Chromium, WHIP over UDP: H.264, Opus": chromium("h264", "udp"),
  "Chromium, WHIP over TCP: VP8, Opus": chromium("vp8", "tcp"),
  "Chromium, WHIP over TCP: VP9, Opus": chromium("vp9", "tcp"),
  "Chromium, WHIP over TCP: AV1, Opus": chromium("av1", "tcp"),
  "Firefox, WHIP over TCP: VP8, Opus": { tone: 0, apart: undefined, rate: 30, start: firefox },
  "GStreamer, WHIP over TCP: H.264, Opus": webrtcbin("h264", "tcp"),
  "GStreamer, WHIP over UDP: VP8, Opus": webrtcbin("vp8", "udp"),
  "libdatachannel, WHIP over TCP: H.265, Opus": {
    ...ffmpegClip,
    start: ({ servers }, stream) => {
      const urls = servers.map(({ url }) => `${url}/whip/live/${stream}`);
      const codecs = `${H265} -map 0:v -f rtp VIDEO -c:a libopus -b:a 96k -ac 2 -map 1:a -f rtp AUDIO`;
      return rtpPublishes(urls, clip(codecs));
    },
  },
  "ffmpeg, RTMP: H.264, AAC": {
    ...ffmpegClip,
    start: (stage, stream) => ffmpegPublishes(stage, stream, H264_AAC),
  },
  "ffmpeg, RTMPS: H.264, MP3": {
    ...ffmpegClip,
    start: (stage, stream) =>
      ffmpegPublishes(stage, stream, `${H264} -c:a libmp3lame -b:a 96k`, "rtmps"),
  },
  "ffmpeg, RTMP: AAC alone": {
    ...ffmpegClip,
    apart: undefined,
    start: (stage, stream) => ffmpegPublishes(stage, stream, `-vn ${AAC}`),
  },
  "Enhanced RTMP: H.265, AAC": {
    ...ffmpegClip,
    start: (stage, stream) => {
      const args = clip(`${H265} ${AAC}`);
      return publishEnhanced(ports(stage), stream, { args, video: "h265", audio: "aac" });
    },
  },
  "Enhanced RTMP: AV1, Opus": {
    ...ffmpegClip,
    start: (stage, stream) => {
      const args = clip(
        "-c:v libaom-av1 -usage realtime -cpu-used 8 -g 25 -b:v 300k -pix_fmt yuv420p -c:a libopus -b:a 96k -ac 2",
      );
      return publishEnhanced(ports(stage), stream, { args, video: "av1", audio: "opus" });
    },
  },
  "GStreamer, RTMP: H.264, AAC": {
    tone: 1000,
    apart: undefined,
    rate: 25,
    start: ({ servers }, stream) =>
      Promise.resolve(children(servers.map((one) => gstreamerPublishes(rtmp(one, stream))))),
  },
  "Pull from another Monoport: H.264, Opus": {
    tone: 0,
    apart: undefined,
    rate: 30,
    start: pulls,
  },
};

function rtmp(server: ServerProcess, stream: string): string {
  return `rtmp://127.0.0.1:${server.port}/live/${stream}`;
}

function ports({ servers }: Stage): number[] {
  return servers.map(({ port }) => port);
}

function chromium(codec: string, transport: Publish["transport"]): PublisherKind {
  const start: PublisherKind["start"] = async ({ servers, browser }, stream) => {
    const page = await browser.newPage();
    await page.goto(`${servers[0]?.url}/healthz`);
    const query = `app=live&stream=${stream}&codec=${codec}`;
    const urls = servers.map(({ url }) => `${url}/rtc/v1/whip/?${query}`);
    await page.evaluate(publishInPage, { urls, transport });
    return {
      stop: async () => {
        await page.evaluate(() =>
          (globalThis as unknown as { unpublish: () => Promise<void> }).unpublish(),
        );
        await page.close();
      },
    };
  };
  const heavy = codec === "vp9" || codec === "av1";
  return { tone: 1000, apart: CHROMIUM_APART, rate: 25, heavy, start };
}

/** By name, for a camera is given to addresses of HTTP only when they are localhost. */
async function firefox(stage: Stage, stream: string): Promise<Publishing> {
  const page = await stage.firefox?.newPage();
  if (page === undefined) throw new Error("there is no Firefox here");
  await page.goto(`http://localhost:${stage.servers[0]?.port}/healthz`);
  const urls = stage.servers.map(
    ({ url }) => `${url}/rtc/v1/whip/?app=live&stream=${stream}&codec=vp8`,
  );
  await page.evaluate(publishInPage, { urls, transport: "tcp", devices: true } as const);
  return {
    stop: async () => {
      await page.evaluate(() =>
        (globalThis as unknown as { unpublish: () => Promise<void> }).unpublish(),
      );
      await page.close();
    },
  };
}

function webrtcbin(
  codec: WebrtcbinPublish["codec"],
  transport: WebrtcbinPublish["transport"],
): PublisherKind {
  const start: PublisherKind["start"] = ({ servers }, stream) =>
    webrtcbinPublishes({
      transport,
      codec,
      urls: servers.map(({ url }) => `${url}/rtc/v1/whip/?app=live&stream=${stream}`),
    });
  return { tone: 1000, apart: ARRIVAL_APART, rate: 25, start };
}

/** ffmpeg's, of a picture that flashes and a tone that beeps, both for the first 0.2 s of each second. */
function clip(codecs: string): string[] {
  const inputs = [
    "testsrc2=size=320x180:rate=25,drawbox=c=white:t=fill:enable='lt(mod(t,1),0.2)'",
    "aevalsrc='0.4*sin(2*PI*1000*t)*lt(mod(t,1),0.2)':s=44100",
  ];
  return [
    ..."-v error -nostdin".split(" "),
    ...inputs.flatMap((input) => ["-re", "-f", "lavfi", "-i", input]),
    ...`-t 120 ${codecs}`.split(" "),
  ];
}

/** One encoder for all servers. */
export function ffmpegPublishes(
  { servers }: Pick<Stage, "servers">,
  stream: string,
  codecs: string,
  scheme: "rtmp" | "rtmps" = "rtmp",
): Promise<Publishing> {
  const to = (server: ServerProcess): string => rtmp(server, stream).replace("rtmp", scheme);
  const outputs = servers.map((server) => `[f=flv]${to(server)}`).join("|");
  const mapped = codecs.includes("-vn") ? ["-map", "1:a"] : ["-map", "0:v", "-map", "1:a"];
  // The muxer behind cannot ask for it.
  const headers = "-flags +global_header -f tee".split(" ");
  const args = [...clip(codecs), ...mapped, ...headers, outputs];
  return Promise.resolve(
    children([spawn(need("ffmpeg"), args, { stdio: "ignore", timeout: 130_000 })]),
  );
}

function children(processes: readonly ChildProcess[]): Publishing {
  return {
    stop: async () => {
      for (const process of processes) {
        if (process.exitCode !== null || process.signalCode !== null) continue;
        const exit = once(process, "exit");
        process.kill("SIGKILL");
        await exit;
      }
    },
  };
}

/** The demo stream of another server, by WHEP. */
async function pulls({ servers }: Stage, stream: string): Promise<Publishing> {
  const far = await startServer({ args: ["--rtc_server.protocol", "tcp"] });
  const wanted = { kind: "pull", stream: `live/${stream}`, url: `${far.url}/whep/live/demo` };
  for (const { url } of servers) {
    const made = await fetch(`${url}/api/v1/relays`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(wanted),
    });
    if (!made.ok) throw new Error(`no relay: ${made.status} ${await made.text()}`);
  }
  return {
    stop: async () => {
      await far.stop();
    },
  };
}
