import { type Format, sameFormat } from "../../core/media/mod.ts";
import type { Hub, StreamName } from "../../core/stream/mod.ts";

/**
 * What the stream of this name is sent in now, each once; empty when nobody publishes it. Layers of
 * its video may differ, that of the best comes first.
 */
export function liveFormats(hub: Hub, name: StreamName): readonly Format[] {
  const stream = hub.stream(name.key);
  if (stream === undefined) return [];
  const { video, audio, layers } = stream;
  const formats: Format[] = [];
  for (const { format } of [video, ...layers.active.map(({ track }) => track), audio]) {
    if (format === undefined || formats.some((one) => sameFormat(one, format))) continue;
    formats.push(format);
  }
  return formats;
}
