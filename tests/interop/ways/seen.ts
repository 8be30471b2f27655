/** What a viewer saw and heard. @module */

export interface Seen {
  /** Codecs as the player names them; `undefined` for what is not there. */
  readonly video: string | undefined;
  readonly audio: string | undefined;
  /** Pictures that were decoded. */
  readonly frames: number;
  /** Whether there was any sound. */
  readonly heard: boolean;
  /** Of the loudest tone, 0 when the player does not tell. */
  readonly hertz: number;
  /** How many ms each flash came behind its beep. */
  readonly apart: readonly number[];
  readonly complaints: readonly string[];
}

const CODECS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["H.264", /^(h264|avc1)/i],
  ["H.265", /^(h265|hevc|hvc1|hev1)/i],
  ["AV1", /^(av1|av01)/i],
  ["VP9", /^(vp9|vp09)/i],
  ["VP8", /^(vp8|vp08)/i],
  ["MP3", /^(mp3|mp4a\.40\.34|mp4a\.6b)/i],
  ["AAC", /^(aac|mp4a)/i],
  ["Opus", /^opus/i],
];

/** A codec's name as the table has it; `undefined` for none. */
export function codecName(player: string | undefined): string | undefined {
  if (player === undefined) return undefined;
  return CODECS.find(([, pattern]) => pattern.test(player))?.[0];
}
