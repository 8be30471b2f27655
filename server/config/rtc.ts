/** The settings of WebRTC. @module */
import * as v from "valibot";
import { isWildcard, parseCandidate } from "../candidates/candidates.ts";
import { type Endpoint, endpoints, list, onOff, type Setting, seconds, setting } from "./types.ts";

export interface RtcConfig {
  readonly "rtc_server.enabled": boolean;
  /**
   * Addresses browsers are told to connect to: `ip`, `ip:port` or a name; `*` asks the interfaces.
   */
  readonly "rtc_server.candidate": readonly string[];
  /** What WebRTC goes over, and which candidates are offered. */
  readonly "rtc_server.protocol": "udp" | "tcp" | "all";
  /**
   * Where WebRTC over UDP is taken; empty: the number of the TCP port. The first one's port goes
   * into candidates.
   */
  readonly "rtc_server.listen": readonly Endpoint[];
  readonly "rtc_server.tcp.enabled": boolean;
  /** Where WebRTC over TCP is taken besides `listen`; the first one's port goes into candidates. */
  readonly "rtc_server.tcp.listen": readonly Endpoint[];
  readonly "rtc_server.use_auto_detect_network_ip": boolean;
  readonly "rtc_server.ip_family": "ipv4" | "ipv6" | "all";
  readonly "rtc_server.api_as_candidates": boolean;
  /** Whether names (the request's Host, the setting) are offered as the addresses they have. */
  readonly "rtc_server.resolve_api_domain": boolean;
  /** Whether they are offered as names too, which browsers take no more (tried: Chromium 156). */
  readonly "rtc_server.keep_api_domain": boolean;
  readonly "vhost.rtc.enabled": boolean;
  readonly "vhost.rtc.nack": boolean;
  readonly "vhost.rtc.twcc": boolean;
  /** Silence after which a WebRTC session ends (RFC 7675 §5.1 allows 30 s at most). */
  readonly "vhost.rtc.stun_timeout": number;
  /** Whether WebRTC viewers get what is published by RTMP, and its B-frames, which they cannot show. */
  readonly "vhost.rtc.rtmp_to_rtc": boolean;
  readonly "vhost.rtc.keep_bframe": boolean;
  /** Whether viewers by FLV, RTMP and HLS, and recordings, get what is published by WebRTC. */
  readonly "vhost.rtc.rtc_to_rtmp": boolean;
  /** How often a WebRTC publisher is asked for a keyframe while they need any. */
  readonly "vhost.rtc.pli_for_rtmp": number;
}

const candidate = v.pipe(
  list,
  v.everyItem(
    (one) => isWildcard(one) || parseCandidate(one) !== undefined,
    "addresses or names, each with a port if it has one of its own (203.0.113.5, 203.0.113.5:443, [2001:db8::5]:443, media.example), or `*`, separated by blanks or commas",
  ),
);

type RtcSettings = { readonly [Key in keyof RtcConfig]: Setting<RtcConfig[Key]> };

export const rtcSettings: RtcSettings = {
  "rtc_server.enabled": setting(onOff, "on", "serve WebRTC"),
  "rtc_server.candidate": setting(
    candidate,
    "*",
    "addresses browsers connect to (also $CANDIDATE)",
  ),
  "rtc_server.protocol": setting(
    v.picklist(["udp", "tcp", "all"], "udp, tcp or all"),
    "all",
    "what WebRTC goes over: udp, tcp or all",
  ),
  "rtc_server.listen": setting(
    endpoints,
    "",
    "[host:]port of WebRTC over UDP, if not the number of the TCP port",
  ),
  "rtc_server.tcp.enabled": setting(onOff, "on", "serve WebRTC over TCP"),
  "rtc_server.tcp.listen": setting(
    endpoints,
    "",
    "[host:]port of WebRTC over TCP, if not the shared one",
  ),
  "rtc_server.use_auto_detect_network_ip": setting(
    onOff,
    "on",
    "use the interfaces' addresses as candidates",
  ),
  "rtc_server.ip_family": setting(
    v.picklist(["ipv4", "ipv6", "all"], "ipv4, ipv6 or all"),
    "ipv4",
    "which of their addresses: ipv4, ipv6 or all",
  ),
  "rtc_server.api_as_candidates": setting(onOff, "on", "use the request's Host as a candidate"),
  "rtc_server.resolve_api_domain": setting(onOff, "on", "offer a name's addresses"),
  "rtc_server.keep_api_domain": setting(onOff, "off", "offer the name itself"),
  "vhost.rtc.enabled": setting(onOff, "on", "serve WebRTC streams"),
  "vhost.rtc.nack": setting(onOff, "on", "repair losses by NACK"),
  "vhost.rtc.twcc": setting(onOff, "on", "transport-wide congestion control"),
  "vhost.rtc.stun_timeout": setting(seconds(5, 30), "30", "seconds of silence that end a session"),
  "vhost.rtc.rtmp_to_rtc": setting(onOff, "on", "give WebRTC viewers what RTMP publishes"),
  "vhost.rtc.keep_bframe": setting(
    onOff,
    "off",
    "give them B-frames of RTMP, too, which they cannot show in order",
  ),
  "vhost.rtc.rtc_to_rtmp": setting(
    onOff,
    "on",
    "give FLV, RTMP, HLS and recordings what WebRTC publishes",
  ),
  "vhost.rtc.pli_for_rtmp": setting(
    seconds(0.5, 30),
    "2",
    "seconds between keyframes that WebRTC publishers are asked for while those need any",
  ),
};
