/** Finished recordings: listed, sent and deleted. @module */
export { CHUNK_BYTES } from "./file_body.ts";
export { httpDate, type Selection, select, type Validators } from "./selection.ts";
export {
  DOWNLOADS_MAX,
  DOWNLOADS_PER_ADDRESS,
  Vod,
  type VodOptions,
} from "./vod.ts";
