/** What can be wrong with a request, and the status that says so. @module */
import { Fault } from "../../base/mod.ts";

const LAYER = "core/wire/http1";
const STATUS = new Map<Fault, number>();

function fault(status: number, code: string, spec: string): Fault {
  const made = new Fault(LAYER, code, spec);
  STATUS.set(made, status);
  return made;
}

/** The status to answer a fault of this module with; 400 for any other. */
export function statusOf(found: Fault): number {
  return STATUS.get(found) ?? 400;
}

export const BARE_CR: Fault = fault(400, "bare-cr", "RFC 9112 §2.2");
export const BARE_LF: Fault = fault(400, "bare-lf", "RFC 9112 §2.2");
export const BAD_REQUEST_LINE: Fault = fault(400, "bad-request-line", "RFC 9112 §3");
/** Of a response, which is not answered. */
export const BAD_STATUS_LINE: Fault = fault(400, "bad-status-line", "RFC 9112 §4");
export const BAD_METHOD: Fault = fault(400, "bad-method", "RFC 9110 §9.1");
export const BAD_TARGET: Fault = fault(400, "bad-target", "RFC 9112 §3.2");
export const TARGET_TOO_LONG: Fault = fault(414, "target-too-long", "RFC 9110 §4.1");
export const BAD_VERSION: Fault = fault(400, "bad-version", "RFC 9112 §2.3");
export const VERSION_NOT_SUPPORTED: Fault = fault(505, "version-not-supported", "RFC 9110 §15.6.6");
export const HEAD_TOO_LARGE: Fault = fault(431, "head-too-large", "RFC 6585 §5");
export const TOO_MANY_FIELDS: Fault = fault(431, "too-many-fields", "RFC 6585 §5");
export const OBS_FOLD: Fault = fault(400, "obs-fold", "RFC 9112 §5.2");
export const BAD_FIELD_NAME: Fault = fault(400, "bad-field-name", "RFC 9112 §5.1");
export const BAD_FIELD_VALUE: Fault = fault(400, "bad-field-value", "RFC 9110 §5.5");
export const NO_HOST: Fault = fault(400, "no-host", "RFC 9112 §3.2");
export const SECOND_HOST: Fault = fault(400, "second-host", "RFC 9112 §3.2");
export const BAD_HOST: Fault = fault(400, "bad-host", "RFC 9112 §3.2");
export const BAD_CONTENT_LENGTH: Fault = fault(400, "bad-content-length", "RFC 9112 §6.3");
export const SECOND_CONTENT_LENGTH: Fault = fault(400, "second-content-length", "RFC 9112 §6.3");
export const BAD_TRANSFER_ENCODING: Fault = fault(400, "bad-transfer-encoding", "RFC 9112 §6.3");
export const SECOND_TRANSFER_ENCODING: Fault = fault(
  400,
  "second-transfer-encoding",
  "RFC 9112 §6.1",
);
export const TRANSFER_CODING_UNKNOWN: Fault = fault(
  501,
  "transfer-coding-unknown",
  "RFC 9112 §6.1",
);
export const TRANSFER_ENCODING_ON_1_0: Fault = fault(
  400,
  "transfer-encoding-on-1.0",
  "RFC 9112 §6.1",
);
export const TRANSFER_ENCODING_AND_LENGTH: Fault = fault(
  400,
  "transfer-encoding-and-length",
  "RFC 9112 §6.1",
);
export const BAD_CONNECTION: Fault = fault(400, "bad-connection", "RFC 9110 §7.6.1");
export const EXPECTATION_UNKNOWN: Fault = fault(417, "expectation-unknown", "RFC 9110 §10.1.1");
export const BAD_CHUNK_SIZE: Fault = fault(400, "bad-chunk-size", "RFC 9112 §7.1");
export const BAD_CHUNK_EXTENSION: Fault = fault(400, "bad-chunk-extension", "RFC 9112 §7.1.1");
export const CHUNK_EXTENSIONS_TOO_LARGE: Fault = fault(
  413,
  "chunk-extensions-too-large",
  "RFC 9112 §7.1.1",
);
export const BAD_CHUNK_END: Fault = fault(400, "bad-chunk-end", "RFC 9112 §7.1");
export const TRAILERS_TOO_LARGE: Fault = fault(431, "trailers-too-large", "RFC 9112 §7.1.2");
export const METHOD_NOT_IMPLEMENTED: Fault = fault(501, "method-not-implemented", "RFC 9110 §9.1");
export const CONTENT_TOO_LARGE: Fault = fault(413, "content-too-large", "RFC 9110 §15.5.14");
export const REQUEST_TIMEOUT: Fault = fault(408, "request-timeout", "RFC 9110 §15.5.9");
export const INCOMPLETE: Fault = fault(400, "incomplete", "RFC 9112 §8");
