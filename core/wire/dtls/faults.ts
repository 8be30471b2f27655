import { Fault } from "../../base/mod.ts";

const LAYER = "core/wire/dtls";

export const RECORD_TRUNCATED: Fault = new Fault(LAYER, "record-truncated", "RFC 6347 §4.1");
export const RECORD_TOO_LONG: Fault = new Fault(LAYER, "record-too-long", "RFC 5246 §6.2.3");
export const FRAGMENT_TRUNCATED: Fault = new Fault(LAYER, "fragment-truncated", "RFC 6347 §4.2.2");
export const FRAGMENT_OUTSIDE: Fault = new Fault(
  LAYER,
  "fragment-outside-message",
  "RFC 6347 §4.2.3",
);
export const ALERT_MALFORMED: Fault = new Fault(LAYER, "alert-malformed", "RFC 5246 §7.2");
export const CLIENT_HELLO_MALFORMED: Fault = new Fault(
  LAYER,
  "client-hello-malformed",
  "RFC 6347 §4.2.1",
);
export const SERVER_HELLO_MALFORMED: Fault = new Fault(
  LAYER,
  "server-hello-malformed",
  "RFC 5246 §7.4.1.3",
);
export const HELLO_VERIFY_REQUEST_MALFORMED: Fault = new Fault(
  LAYER,
  "hello-verify-request-malformed",
  "RFC 6347 §4.2.1",
);
export const EXTENSION_MALFORMED: Fault = new Fault(
  LAYER,
  "extension-malformed",
  "RFC 5246 §7.4.1.4",
);
export const EXTENSION_REPEATED: Fault = new Fault(
  LAYER,
  "extension-repeated",
  "RFC 5246 §7.4.1.4",
);
export const CERTIFICATE_MALFORMED: Fault = new Fault(
  LAYER,
  "certificate-malformed",
  "RFC 5246 §7.4.2",
);
export const CERTIFICATE_REQUEST_MALFORMED: Fault = new Fault(
  LAYER,
  "certificate-request-malformed",
  "RFC 5246 §7.4.4",
);
export const CERTIFICATE_VERIFY_MALFORMED: Fault = new Fault(
  LAYER,
  "certificate-verify-malformed",
  "RFC 5246 §7.4.8",
);
export const SERVER_KEY_EXCHANGE_MALFORMED: Fault = new Fault(
  LAYER,
  "server-key-exchange-malformed",
  "RFC 8422 §5.4",
);
export const CLIENT_KEY_EXCHANGE_MALFORMED: Fault = new Fault(
  LAYER,
  "client-key-exchange-malformed",
  "RFC 8422 §5.7",
);
