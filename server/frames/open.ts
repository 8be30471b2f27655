import type { Runtime } from "../../core/base/mod.ts";
import { Transcoders } from "../codecs/mod.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { RtcServer } from "../rtc/mod.ts";
import { HubFrames } from "./hub_frames.ts";
import { TranscodedFrames } from "./transcoded_frames.ts";
import { ViewerSound } from "./viewer_sound.ts";

export interface OpenFramesOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly rtc: RtcServer;
}

/** Where muxers get their frames, and where WebRTC viewers get sound that came as frames. */
export interface OpenFrames {
  readonly frames: TranscodedFrames;
  readonly sound: ViewerSound;
}

export function openFrames({ runtime, config, log, metrics, rtc }: OpenFramesOptions): OpenFrames {
  const drain = (): void => rtc.drain();
  const max = config["limits.transcodes"];
  const transcoders = new Transcoders({ runtime, log, metrics, max });
  metrics.gauge(
    "monoport_transcodes",
    "Tracks of sound that are transcoded",
    () => transcoders.active,
  );
  const frames = new TranscodedFrames({
    source: new HubFrames(rtc.hub, runtime, drain),
    transcoders,
    bitrates: { aac: config["vhost.rtc.aac_bitrate"], opus: config["vhost.rtc.opus_bitrate"] },
  });
  const sound = new ViewerSound({ runtime, hub: rtc.hub, frames, drain });
  rtc.observers.push((event) => {
    // Who is connected now needs no further look to be heard.
    if (event.type === "viewer-state" && event.kind === "audio") sound.look();
  });
  return { frames, sound };
}
