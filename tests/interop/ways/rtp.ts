/** ffmpeg's RTP, published by libdatachannel. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { need } from "../../tools.ts";
import { startPeer } from "../peer_process.ts";

const MILLIS = 130_000;

/** `args` of ffmpeg, with VIDEO (H.265) and AUDIO (Opus) for where an output goes; `urls` are WHIP's. */
export async function rtpPublishes(
  urls: readonly string[],
  args: readonly string[],
): Promise<{ stop(): Promise<void> }> {
  const peer = startPeer("ways/rtp_peer.ts", ["h265", ...urls], MILLIS);
  const ports = await peer.read().catch((cause: unknown) => {
    peer.stop();
    throw cause;
  });
  // Both outputs count the time of their sender reports from here.
  const began = ["-start_time_realtime", String(Date.now() * 1000)];
  const to = (port: unknown, payloadType: number, ssrc: number): string[] => [
    ...began,
    "-payload_type",
    String(payloadType),
    "-ssrc",
    String(ssrc),
    `rtp://127.0.0.1:${port}?rtcpport=${port}&pkt_size=1200`,
  ];
  const all = args.flatMap((arg) => {
    if (arg === "VIDEO") return to(ports["video"], 96, 2222);
    return arg === "AUDIO" ? to(ports["audio"], 111, 1111) : [arg];
  });
  const child = spawn(need("ffmpeg"), all, { stdio: "ignore", timeout: MILLIS });
  return {
    stop: async () => {
      peer.stop();
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
