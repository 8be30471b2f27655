/**
 * What runs in a page of a browser: a publisher with a clip that flashes and beeps at once, and all viewers that
 * browsers have. Functions are given to the page as text, so that each holds all it needs.
 *
 * @module
 */
import type { Seen } from "./seen.ts";

export interface Publish {
  /** The same is sent to each. */
  readonly urls: readonly string[];
  /** Which of our candidates are used. */
  readonly transport: "tcp" | "udp";
  /** The browser's own camera and microphone in place of the clip: where no sound can be made. */
  readonly devices?: boolean;
}

/**
 * Publishes by WHIP; resolves when it is connected. `window.unpublish` ends it, `window.shrink` makes the pictures
 * so many times smaller.
 */
export async function publishInPage({ urls, transport, devices = false }: Publish): Promise<void> {
  const context = new AudioContext();
  const beep = context.createGain();
  beep.gain.value = 0;
  const tone = context.createOscillator();
  tone.frequency.value = 1000;
  const first = Math.ceil(context.currentTime) + 1;
  for (let second = first; second < first + 120; second++) {
    beep.gain.setValueAtTime(0.4, second);
    beep.gain.setValueAtTime(0, second + 0.2);
  }
  const sound = context.createMediaStreamDestination();
  tone.connect(beep).connect(sound);
  tone.start();
  const canvas = document.createElement("canvas");
  canvas.width = 320;
  canvas.height = 180;
  const paint = canvas.getContext("2d");
  const draw = setInterval(() => {
    if (paint === null) return;
    const time = context.currentTime;
    paint.fillStyle = time >= first && time % 1 < 0.2 ? "white" : "#346";
    paint.fillRect(0, 0, 320, 180);
    paint.fillStyle = "#c63";
    paint.fillRect((time * 60) % 320, 60, 40, 40);
  }, 20);
  const size = { width: 320, height: 180 };
  const tracks = devices
    ? (await navigator.mediaDevices.getUserMedia({ video: size, audio: true })).getTracks()
    : [...canvas.captureStream(25).getTracks(), ...sound.stream.getTracks()];
  const senders: RTCRtpSender[] = [];
  const publish = async (url: string): Promise<() => Promise<void>> => {
    const pc = new RTCPeerConnection();
    for (const track of tracks) pc.addTransceiver(track, { direction: "sendonly" });
    await pc.setLocalDescription();
    const headers = { "content-type": "application/sdp" };
    const body = pc.localDescription?.sdp ?? "";
    const answer = await fetch(url, { method: "POST", headers, body });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    const lines = (await answer.text()).split("\r\n");
    const other = new RegExp(`^a=candidate:\\S+ \\d ${transport === "tcp" ? "udp" : "tcp"} `, "i");
    const sdp = lines.filter((line) => !other.test(line)).join("\r\n");
    await pc.setRemoteDescription({ type: "answer", sdp });
    const location = new URL(answer.headers.get("location") ?? "", url).href;
    for (let i = 0; i < 1200 && pc.connectionState !== "connected"; i++)
      await new Promise((wake) => setTimeout(wake, 50));
    if (pc.connectionState !== "connected") throw new Error(`WHIP is ${pc.connectionState}`);
    senders.push(...pc.getSenders().filter((one) => one.track?.kind === "video"));
    return async () => {
      await fetch(location, { method: "DELETE" });
      pc.close();
    };
  };
  const ends = await Promise.all(urls.map(publish));
  Object.assign(globalThis, {
    shrink: async (times: number) => {
      for (const sender of senders) {
        const parameters = sender.getParameters();
        for (const one of parameters.encodings) one.scaleResolutionDownBy = times;
        await sender.setParameters(parameters);
      }
    },
    unpublish: async () => {
      clearInterval(draw);
      await Promise.all(ends.map((end) => end()));
      for (const track of tracks) track.stop();
      if (context.state === "running") await context.close();
    },
  });
}

export interface Watch {
  readonly by: "whep" | "flv" | "ts" | "hls";
  readonly url: string;
  /** For WHEP. */
  readonly transport: "tcp" | "udp";
  /** What is waited for. */
  readonly video: boolean;
  readonly audio: boolean;
}

export interface WatchAll {
  readonly ways: readonly Watch[];
  readonly frames: number;
  readonly millis: number;
}

/** Watches by all ways at once, until each has what it waits for, or `millis` are over. */
export async function watchInPage({ ways, frames, millis }: WatchAll): Promise<Seen[]> {
  // biome-ignore lint/suspicious/noExplicitAny: players the page has as globals, and the standard's dictionaries
  type Any = any;
  const { mpegts, Hls } = globalThis as Any;
  const context = new AudioContext();
  const until = performance.now() + millis;
  const sleep = (time: number): Promise<void> => new Promise((wake) => setTimeout(wake, time));

  interface Watching {
    video?: string;
    audio?: string;
    look?: () => Promise<void>;
    source?: () => AudioNode | undefined;
    /** By WebRTC's statistics. */
    frames?: number;
    energy?: number;
    readonly complaints: string[];
    stop?: () => void;
  }

  async function whep(way: Watch, element: HTMLVideoElement, seen: Watching): Promise<void> {
    const pc = new RTCPeerConnection();
    const stream = new MediaStream();
    pc.ontrack = ({ track }) => stream.addTrack(track);
    for (const kind of ["video", "audio"]) pc.addTransceiver(kind, { direction: "recvonly" });
    await pc.setLocalDescription();
    const headers = { "content-type": "application/sdp" };
    const body = pc.localDescription?.sdp ?? "";
    const answer = await fetch(way.url, { method: "POST", headers, body });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    const lines = (await answer.text()).split("\r\n");
    const other = new RegExp(
      `^a=candidate:\\S+ \\d ${way.transport === "tcp" ? "udp" : "tcp"} `,
      "i",
    );
    const sdp = lines.filter((line) => !other.test(line)).join("\r\n");
    await pc.setRemoteDescription({ type: "answer", sdp });
    element.srcObject = stream;
    element.muted = true;
    seen.source = () =>
      stream.getAudioTracks().length > 0 ? context.createMediaStreamSource(stream) : undefined;
    seen.stop = () => {
      const location = new URL(answer.headers.get("location") ?? "", way.url).href;
      void fetch(location, { method: "DELETE" }).finally(() => pc.close());
    };
    seen.look = async () => {
      const report = await pc.getStats();
      const all: Any[] = [];
      report.forEach((one) => void all.push(one));
      const byId = (id: string): Any => all.find((one) => one.id === id);
      for (const one of all.filter(({ type }) => type === "inbound-rtp")) {
        if (one.packetsReceived > 0 && one.codecId !== undefined)
          seen[one.kind as "video" | "audio"] = byId(one.codecId).mimeType.split("/")[1];
        if (one.kind === "video") seen.frames = one.framesDecoded;
        else seen.energy = one.totalAudioEnergy;
      }
      const transport = all.find(({ type }) => type === "transport");
      const pair = byId(transport?.selectedCandidatePairId);
      const protocol = byId(pair?.localCandidateId)?.protocol;
      if (protocol !== undefined && protocol !== way.transport)
        seen.complaints.push(`it goes over ${protocol}`);
    };
  }

  async function flv(way: Watch, element: HTMLVideoElement, seen: Watching): Promise<void> {
    const player = mpegts.createPlayer(
      { type: way.by === "ts" ? "mpegts" : "flv", isLive: true, url: way.url },
      { enableWorker: false, enableStashBuffer: false, lazyLoad: false },
    );
    // Its `media_info` never comes for AV1, nor for sound alone in MPEG-TS, and this not for MPEG-TS at all.
    player.on("metadata_arrived", ({ videocodecid = 0, audiocodecid = 0 }: Any) => {
      const legacy: Record<number, string> = { 7: "avc1", 10: "mp4a", 2: "mp3" };
      const name = (id: number): string =>
        legacy[id] ?? String.fromCharCode(id >> 24, (id >> 16) & 255, (id >> 8) & 255, id & 255);
      if (videocodecid > 0) seen.video = name(videocodecid);
      if (audiocodecid > 0) seen.audio = name(audiocodecid);
    });
    player.on("error", (type: string, detail: string, info: Any) =>
      seen.complaints.push(`${type} ${detail} ${info?.msg ?? ""}`),
    );
    const makeUrl = URL.createObjectURL;
    URL.createObjectURL = (made: Any) => {
      const add = made.addSourceBuffer;
      made.addSourceBuffer = (type: string) => {
        const [, kind, codec] = /^(video|audio)\/.*codecs="?([^"]+)/.exec(type) ?? [];
        if (way.by === "ts" && kind !== undefined) seen[kind as "video" | "audio"] = codec ?? "";
        return add.call(made, type);
      };
      return makeUrl.call(URL, made);
    };
    player.attachMediaElement(element);
    URL.createObjectURL = makeUrl;
    player.load();
    seen.source = () => context.createMediaElementSource(element);
    seen.stop = () => player.destroy();
  }

  async function hls(way: Watch, element: HTMLVideoElement, seen: Watching): Promise<void> {
    const player = new Hls({ enableWorker: false });
    let mended = 0;
    const told: string[] = [];
    player.on("hlsBufferCodecs", (_: unknown, tracks: Any) => {
      const codecs: string[] = Object.values(tracks).flatMap(
        (track: Any) => track?.codec?.split(",") ?? [],
      );
      for (const codec of codecs) seen[/^(mp4a|opus)/i.test(codec) ? "audio" : "video"] = codec;
    });
    player.on("hlsError", (_: unknown, { fatal, type, details, response, error }: Any) => {
      told.push(`${details} ${response?.code ?? error ?? ""}`);
      // A track that came late, for the machine was busy: pages do the same.
      if (fatal && type === "mediaError" && mended < 3) {
        mended++;
        player.recoverMediaError();
      } else if (fatal) seen.complaints.push(told.join("; "));
    });
    player.loadSource(way.url);
    player.attachMedia(element);
    seen.source = () => context.createMediaElementSource(element);
    seen.stop = () => player.destroy();
  }

  async function one(way: Watch): Promise<Seen> {
    const element = document.createElement("video");
    document.body.append(element);
    const seen: Watching = { complaints: [] };
    let node: AudioNode | undefined;
    const analyser = context.createAnalyser();
    const spectrum = new Float32Array(analyser.frequencyBinCount);
    // In a moment, without those before.
    analyser.smoothingTimeConstant = 0;
    /** dB of the strongest frequency, and how often there was one. */
    let strongest = -50;
    let sounds = 0;
    let hertz = 0;
    let decoded = 0;
    const listen = (): void => {
      if (node === undefined) {
        node = seen.source?.();
        node?.connect(analyser);
      }
      analyser.getFloatFrequencyData(spectrum);
      const peak = Math.max(...spectrum);
      // Firefox's AudioContext stands still without a device for its sound.
      const { mozHasAudio } = element as { mozHasAudio?: boolean };
      const energy = seen.energy ?? (mozHasAudio && element.currentTime > 1 ? 1 : 0);
      if (mozHasAudio !== undefined && energy > 0.001) sounds++;
      if (peak > -50) sounds++;
      if (peak <= strongest) return;
      strongest = peak;
      hertz = (spectrum.indexOf(peak) * context.sampleRate) / analyser.fftSize;
    };
    const done = (): boolean =>
      (way.video || way.audio) && (!way.video || decoded >= frames) && (!way.audio || sounds >= 4);
    try {
      await { whep, flv, ts: flv, hls }[way.by](way, element, seen);
      element.play().catch(() => {});
      while (performance.now() < until && seen.complaints.length === 0) {
        await sleep(40);
        listen();
        await seen.look?.();
        decoded = seen.frames ?? element.getVideoPlaybackQuality().totalVideoFrames;
        if (done()) break;
      }
    } catch (error) {
      seen.complaints.push(String(error));
    }
    seen.stop?.();
    element.remove();
    const { video, audio, complaints } = seen;
    return { video, audio, frames: decoded, heard: sounds > 0, hertz, apart: [], complaints };
  }

  const all = await Promise.all(ways.map(one));
  if (context.state === "running") await context.close();
  return all;
}
