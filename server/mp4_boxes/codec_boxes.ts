/**
 * Codecs' own boxes and sample entries. mp4box writes payloads from the start of their buffer, so each
 * is given a copy; its `esds`, `av1C` and `vpcC` cannot write themselves, so all are plain boxes with
 * their contents.
 *
 * @module
 */
import { Box, BoxParser } from "mp4box";
import type { FrameFormat } from "../../core/stream/mod.ts";

type Entry = { addBox(box: Box): Box } & Box;

/** The sample entry of a track (ISO/IEC 14496-12 §8.5.2), without B-frames' or colours' extras. */
export function sampleEntry(format: FrameFormat): Box {
  return format.kind === "video" ? videoEntry(format) : audioEntry(format);
}

function videoEntry(format: FrameFormat): Box {
  const { sampleEntry: entries } = BoxParser;
  const [entry, type] = ((): [InstanceType<typeof entries.avc1>, string] => {
    switch (format.codec) {
      case "h265":
        return [new entries.hvc1() as never, "hvcC"];
      case "av1":
        return [new entries.av01() as never, "av1C"];
      case "vp9":
        return [new entries.vp09() as never, "vpcC"];
      default:
        return [new entries.avc1(), "avcC"];
    }
  })();
  entry.data_reference_index = 1;
  entry.width = format.width;
  entry.height = format.height;
  entry.horizresolution = 0x48_0000;
  entry.vertresolution = 0x48_0000;
  entry.frame_count = 1;
  entry.compressorname = "";
  entry.depth = 24;
  // The contents of vpcC are behind its version, 1, and flags.
  const contents = type === "vpcC" ? [1, 0, 0, 0, ...format.configuration] : format.configuration;
  return withBox(entry, type, Uint8Array.from(contents));
}

function audioEntry(format: FrameFormat): Box {
  const { sampleEntry: entries } = BoxParser;
  const opus = format.codec === "opus";
  const entry = opus ? new entries.Opus() : new entries.mp4a();
  entry.data_reference_index = 1;
  entry.channel_count = format.channels;
  entry.samplesize = 16;
  entry.samplerate = opus ? 48_000 : format.sampleRate;
  return opus
    ? withBox(entry, "dOps", opusSpecific(format))
    : withBox(entry, "esds", elementaryStream(format.configuration));
}

function withBox(entry: Entry, type: string, contents: Uint8Array): Box {
  const box = new Box();
  box.type = type;
  box.data = contents.slice();
  entry.addBox(box);
  return entry;
}

/** OpusHead (RFC 7845 §5.1, little-endian) as OpusSpecificBox (big-endian, its version 0). */
function opusSpecific({ configuration, channels }: FrameFormat): Uint8Array {
  const head = configuration.length >= 19 ? configuration : undefined;
  const at = (i: number, absent: number): number => head?.[i] ?? absent;
  // Pre-skip 312 at 48 kHz is libopus's, where nobody tells.
  const fixed = [0, at(9, channels), at(11, 312 >> 8), at(10, 312 & 255)];
  const rate = [at(15, 0), at(14, 0), at(13, 48_000 >> 8), at(12, 48_000 & 255)];
  const rest = [at(17, 0), at(16, 0), at(18, 0)];
  const mapping = at(18, 0) === 0 ? [] : (head?.subarray(19) ?? []);
  return Uint8Array.of(...fixed, ...rate, ...rest, ...mapping);
}

/** The contents of `esds` (ISO/IEC 14496-14 §5.6): version and flags, then descriptors. */
function elementaryStream(audioSpecificConfig: Uint8Array): Uint8Array {
  const specific = descriptor(5, [...audioSpecificConfig]);
  // MPEG-4 audio, an audio stream, no buffer size or bitrate told.
  const decoder = descriptor(4, [0x40, 0x15, ...new Array<number>(11).fill(0), ...specific]);
  return Uint8Array.of(0, 0, 0, 0, ...descriptor(3, [0, 0, 0, ...decoder, ...descriptor(6, [2])]));
}

/** Tag, length (ISO/IEC 14496-1 §8.3.3), contents of at most 127 bytes each. */
function descriptor(tag: number, contents: readonly number[]): readonly number[] {
  return [tag, contents.length, ...contents];
}
