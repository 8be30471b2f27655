/** The settings of TLS and of what stands before us. @module */
import * as v from "valibot";
import { isAddressRange } from "../address_ranges.ts";
import {
  type Endpoint,
  endpoints,
  list,
  milliseconds,
  onOff,
  type Setting,
  setting,
  words,
} from "./types.ts";

export interface TlsConfig {
  /** This or `http_server.https.enabled` turns TLS on, on every listener. */
  readonly "http_api.https.enabled": boolean;
  /** Listened on besides `listen`. */
  readonly "http_api.https.listen": readonly Endpoint[];
  /** Files of private keys, in the order of the certificates. */
  readonly "http_api.https.key": readonly string[];
  /** Files of certificate chains; the first is for clients who name no server. */
  readonly "http_api.https.cert": readonly string[];
  readonly "http_server.https.enabled": boolean;
  readonly "http_server.https.listen": readonly Endpoint[];
  readonly "http_server.https.key": readonly string[];
  readonly "http_server.https.cert": readonly string[];
  /** Where a self-signed certificate and those of ACME are kept; empty keeps none. */
  readonly "tls.dir": string;
  /** Balancers that put a PROXY header before their clients' bytes: addresses and ranges. */
  readonly "proxy_protocol.from": readonly string[];
  /** From a whole ClientHello to the end of the handshake. */
  readonly "limits.tls_handshake": number;
}

const KEYS = "PEM files of their private keys";
const CERTIFICATES = "PEM files of certificate chains; none: self-signed";

/** Addresses and ranges, as `192.0.2.1 10.0.0.0/8 fd00::/8`. */
export const addressRanges: v.GenericSchema<string, string[]> = v.pipe(
  list,
  v.everyItem(
    isAddressRange,
    "IP addresses or ranges as 10.0.0.0/8, separated by blanks or commas",
  ),
);
type TlsSettings = { readonly [Key in keyof TlsConfig]: Setting<TlsConfig[Key]> };

export const tlsSettings: TlsSettings = {
  "http_api.https.enabled": setting(onOff, "off", "serve HTTPS, on every port"),
  "http_api.https.listen": setting(endpoints, "", "[host:]port of HTTPS, if not the shared one"),
  "http_api.https.key": setting(words, "", KEYS),
  "http_api.https.cert": setting(words, "", CERTIFICATES),
  "http_server.https.enabled": setting(onOff, "off", "the same as http_api.https.enabled"),
  "http_server.https.listen": setting(endpoints, "", "[host:]port of HTTPS, if not the shared one"),
  "http_server.https.key": setting(words, "", KEYS),
  "http_server.https.cert": setting(words, "", CERTIFICATES),
  "tls.dir": setting(v.string(), "", "folder that keeps certificates that were made or got"),
  "proxy_protocol.from": setting(
    addressRanges,
    "",
    "addresses or ranges of balancers whose PROXY header is taken",
  ),
  "limits.tls_handshake": setting(milliseconds(100, 600_000), "10000", "ms of a TLS handshake"),
};
