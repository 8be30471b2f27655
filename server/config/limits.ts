/** The settings that bound what peers can take. @module */
import { milliseconds, type Setting, setting, wholeNumber } from "./types.ts";

export interface LimitsConfig {
  /** Sessions at a time: WebRTC, publishers by RTMP, viewers by FLV, TS and RTMP. */
  readonly "limits.sessions": number;
  /** Streams at a time, live or waited for. */
  readonly "limits.streams": number;
  /** Viewers that may wait for one stream that is not live. */
  readonly "limits.waiting_viewers": number;
  /** Connections that have not yet shown what they are. */
  readonly "limits.unproven_connections": number;
  /** Until a connection's first bytes tell its protocol. */
  readonly "limits.first_bytes": number;
  /** Until the head of an HTTP request is complete. */
  readonly "limits.http_head": number;
  /** Between two pieces of a request body. */
  readonly "limits.http_body_idle": number;
  /** Between two requests on a connection. */
  readonly "limits.http_keep_alive": number;
  /** Bytes of an SDP offer or JSON body. */
  readonly "limits.body_bytes": number;
  /** TCP connections of one address, or of one /64 of IPv6; proxies and balancers have no bound. */
  readonly "limits.connections_per_address": number;
  readonly "limits.unproven_connections_per_address": number;
  /** Bytes kept for peers who have proved nothing, in all; one address may have a quarter. */
  readonly "limits.unproven_bytes": number;
  /** TLS handshakes an address may begin per second; four times as many at once. */
  readonly "limits.tls_handshakes_per_second": number;
  readonly "limits.sessions_per_address": number;
  /** Sessions of one address that have not finished their DTLS handshake. */
  readonly "limits.unconnected_sessions_per_address": number;
  /** Streams that the sessions of one address publish, play or wait for. */
  readonly "limits.streams_per_address": number;
  /** What one client by WebRTC or RTMP may send, in kbit/s over some seconds; 0: as much as comes. */
  readonly "limits.publisher_bitrate": number;
  /** The same in packets of WebRTC or messages of RTMP per second. */
  readonly "limits.publisher_packets": number;
}

type LimitSettings = { readonly [Key in keyof LimitsConfig]: Setting<LimitsConfig[Key]> };

export const limitSettings: LimitSettings = {
  "limits.sessions": setting(
    wholeNumber(1, 1_000_000),
    "10000",
    "sessions at a time: WebRTC, publishers by RTMP, viewers by FLV, TS and RTMP",
  ),
  "limits.streams": setting(wholeNumber(1, 1_000_000), "2000", "streams at a time"),
  "limits.waiting_viewers": setting(
    wholeNumber(0, 1_000_000),
    "1000",
    "viewers waiting for one stream",
  ),
  "limits.unproven_connections": setting(
    wholeNumber(1, 1_000_000),
    "8000",
    "connections that have not shown their protocol",
  ),
  "limits.first_bytes": setting(milliseconds(100, 600_000), "10000", "ms until the first bytes"),
  "limits.http_head": setting(
    milliseconds(100, 600_000),
    "10000",
    "ms until a request head is complete",
  ),
  "limits.http_body_idle": setting(
    milliseconds(100, 600_000),
    "30000",
    "ms between two pieces of a body",
  ),
  "limits.http_keep_alive": setting(
    milliseconds(100, 3_600_000),
    "60000",
    "ms between two requests",
  ),
  "limits.body_bytes": setting(
    wholeNumber(1024, 16_777_216),
    "131072",
    "bytes of an SDP offer or JSON body",
  ),
  "limits.connections_per_address": setting(
    wholeNumber(1, 1_000_000),
    "5000",
    "TCP connections of one address (IPv6: of one /64)",
  ),
  "limits.unproven_connections_per_address": setting(
    wholeNumber(1, 1_000_000),
    "2500",
    "those that have not shown their protocol",
  ),
  "limits.unproven_bytes": setting(
    wholeNumber(65_536, 999_999_999),
    "67108864",
    "bytes kept for peers who have proved nothing; a quarter of it for one address",
  ),
  "limits.tls_handshakes_per_second": setting(
    wholeNumber(1, 100_000),
    "100",
    "TLS handshakes per second of one address",
  ),
  "limits.sessions_per_address": setting(wholeNumber(1, 1_000_000), "2500", "those of one address"),
  "limits.unconnected_sessions_per_address": setting(
    wholeNumber(1, 1_000_000),
    "500",
    "those whose handshake is not done",
  ),
  "limits.streams_per_address": setting(
    wholeNumber(1, 1_000_000),
    "500",
    "streams that the sessions of one address are for",
  ),
  "limits.publisher_bitrate": setting(
    wholeNumber(0, 100_000_000),
    "100000",
    "kbit/s that one client may send by WebRTC or RTMP, over 5 s; 0: no bound",
  ),
  "limits.publisher_packets": setting(
    wholeNumber(0, 100_000_000),
    "20000",
    "packets or messages of it per second; 0: no bound",
  ),
};
