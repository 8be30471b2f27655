import type { Format } from "../../core/media/mod.ts";
import type { Hub, StreamName } from "../../core/stream/mod.ts";

/** What the stream of this name is sent in now; empty when nobody publishes it. */
export function liveFormats(hub: Hub, name: StreamName): readonly Format[] {
  const stream = hub.stream(name.key);
  return [stream?.video.format, stream?.audio.format].filter((format) => format !== undefined);
}
