/** Pieces of a description that offers and answers share. @module */
import { encodingName } from "../../../media/mod.ts";
import type { Codec, MediaDescription, Origin } from "../../../wire/sdp/mod.ts";
import type { NegotiatedCodec, NegotiatedSource } from "./types.ts";

export function originOf(sessionId: string): Origin {
  return {
    username: "-",
    sessionId,
    sessionVersion: "1",
    addressType: "IP4",
    address: "0.0.0.0",
  };
}

/** We take candidates later (RFC 8838 §3), and are an agent of RFC 8445 (§10 there). */
export const ICE_OPTIONS: readonly string[] = ["trickle", "ice2"];

/** A line with port 0 and nothing agreed on. */
export function emptyLine(
  line: Pick<MediaDescription, "kind" | "protocol" | "formats" | "mid">,
): MediaDescription {
  return {
    line: 0,
    kind: line.kind,
    port: 0,
    protocol: line.protocol,
    formats: line.formats,
    codecs: [],
    connection: { addressType: "IP4", address: "0.0.0.0" },
    bandwidths: [],
    mid: line.mid,
    direction: "inactive",
    bundleOnly: false,
    rtcpMux: false,
    rtcpMuxOnly: false,
    rtcpRsize: false,
    extmapAllowMixed: false,
    extensions: [],
    iceUfrag: undefined,
    icePwd: undefined,
    iceOptions: [],
    candidates: [],
    endOfCandidates: false,
    setup: undefined,
    fingerprints: [],
    msids: [],
    sources: [],
    sourceGroups: [],
    rids: [],
    simulcast: undefined,
    ptime: undefined,
    maxptime: undefined,
  };
}

/** A codec, and behind it its RTX. */
export function codecWithRtx(codec: NegotiatedCodec): Codec[] {
  const { payloadType, format, rtxPayloadType } = codec;
  const feedback: string[] = [];
  if (codec.nack) feedback.push("nack");
  if (codec.pli) feedback.push("nack pli");
  if (codec.fir) feedback.push("ccm fir");
  if (codec.transportCc) feedback.push("transport-cc");
  if (codec.remb) feedback.push("goog-remb");
  const { clockRate, channels, parameters } = format;
  const name = encodingName(format.codec);
  const out: Codec[] = [{ payloadType, name, clockRate, channels, parameters, feedback }];
  if (rtxPayloadType !== undefined) {
    out.push({
      payloadType: rtxPayloadType,
      name: "rtx",
      clockRate,
      channels,
      parameters: `apt=${payloadType}`,
      feedback: [],
    });
  }
  return out;
}

/**
 * What we send on a line, by SSRC: Firefox and older stacks do not take SSRCs from packets.
 */
export function sourceLines(
  kind: string,
  source: NegotiatedSource | undefined,
  local: { readonly streamName: string; readonly cname: string },
): Pick<MediaDescription, "msids" | "sources" | "sourceGroups"> {
  if (source === undefined) return { msids: [], sources: [], sourceGroups: [] };
  const { ssrc, rtxSsrc } = source;
  const ssrcs = rtxSsrc === undefined ? [ssrc] : [ssrc, rtxSsrc];
  const msid = `${msidStream(local.streamName)} ${kind}`;
  return {
    msids: [msid],
    sources: ssrcs.map((ssrc) => ({ ssrc, cname: local.cname, msid })),
    sourceGroups: rtxSsrc === undefined ? [] : [{ semantics: "FID", ssrcs }],
  };
}

/** token-char of RFC 8866 §9, which `/` is not, and the length RFC 8830 §2 allows. */
function msidStream(streamName: string): string {
  return streamName.replaceAll(/[^A-Za-z0-9._-]/g, "-").slice(0, 64);
}
