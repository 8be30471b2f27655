/** Offer to answer (RFC 8829 §5.3) for publishers and viewers; pure functions. @module */
export { type AppliedAnswer, applyAnswer } from "./apply.ts";
export { applyViewerAnswer, makeCounterOffer } from "./counter_offer.ts";
export { ICE_OPTIONS } from "./describe.ts";
export {
  ABS_CAPTURE_TIME_URI,
  ABS_SEND_TIME_URI,
  AUDIO_LEVEL_URI,
  COLOR_SPACE_URI,
  DEPENDENCY_DESCRIPTOR_URI,
  MID_URI,
  PLAYOUT_DELAY_URI,
  REPAIRED_RID_URI,
  RID_URI,
  TRANSPORT_CC_URI,
  VIDEO_CONTENT_TYPE_URI,
  VIDEO_ORIENTATION_URI,
  VIDEO_TIMING_URI,
} from "./extensions.ts";
export { makeOffer, type Offer, type OfferOptions, RECEIVED_FORMATS } from "./offer.ts";
export { negotiatePlay } from "./play.ts";
export { negotiatePublish } from "./publish.ts";
export { MAX_LAYERS } from "./simulcast.ts";
export * from "./types.ts";
export { formatName, formatNames, refusalOf } from "./words.ts";
