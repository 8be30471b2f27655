/** What `inspect` says of one RTP payload, as bits. @module */

/** A frame begins here. */
export const FRAME_START = 1;
/** A frame that can be decoded without any other begins here, or its parameter sets do. */
export const KEYFRAME = 2;

/** What a keyframe says of the pictures to come. */
export interface VideoDescription {
  /** Pixels, after cropping. */
  readonly width: number;
  readonly height: number;
  /** Name of the codec's profile, as `High`. */
  readonly profile?: string;
  /** As `3.1`. */
  readonly level?: string;
}

/** Larger pictures are taken for garbage. */
export const MAX_PICTURE_SIDE = 16_384;

/** A description, or `undefined` for a size that cannot be. */
export function described(
  width: number,
  height: number,
  profile?: string,
  level?: string,
): VideoDescription | undefined {
  const fits = (side: number): boolean => side > 0 && side <= MAX_PICTURE_SIDE;
  if (!fits(width) || !fits(height)) return undefined;
  return {
    width,
    height,
    ...(profile === undefined ? {} : { profile }),
    ...(level === undefined ? {} : { level }),
  };
}
