/** What the page `/diagnose` tests with, bounded in rate, time and number. @module */
export {
  DOWNLOAD_MAX_MILLIS,
  pacedBody,
  sink,
  TRANSFER_MAX_MILLIS,
  UPLOAD_MAX_BYTES,
} from "./pace.ts";
export { Slots, TESTS_PER_ADDRESS } from "./slots.ts";
export { TestStream } from "./test_stream.ts";
export { SESSION_MAX_MILLIS, Tests } from "./tests.ts";
