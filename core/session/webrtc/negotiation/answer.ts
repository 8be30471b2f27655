import {
  type Codec,
  encodeSdp,
  type MediaDescription,
  type SessionDescription,
} from "../../../wire/sdp/mod.ts";
import { candidateInSdp } from "../candidate.ts";
import { codecWithRtx, emptyLine, ICE_OPTIONS, originOf, sourceLines } from "./describe.ts";
import { answeredExtensions } from "./extensions.ts";
import { answeredSimulcast } from "./simulcast.ts";
import { type AgreedTransport, agreeTransport } from "./transport.ts";
import { type Answer, type LocalParameters, type NegotiatedMedia, Refusal } from "./types.ts";
import { lineName } from "./words.ts";

/** How one use of WebRTC sees an offer. */
export interface Purpose {
  /** Direction of our answer. */
  readonly direction: "recvonly" | "sendonly";
  /** What becomes of an audio or video line the offerer has not rejected himself. */
  judge(media: MediaDescription, index: number): NegotiatedMedia | Refusal;
  /** Whether a line refused like this gets port 0, and the others go on. */
  tolerates(refusal: Refusal): boolean;
}

export function answerOffer(
  offer: SessionDescription,
  local: LocalParameters,
  purpose: Purpose,
): Answer | Refusal {
  const media: NegotiatedMedia[] = [];
  let reason: Refusal | undefined;
  for (const [index, line] of offer.media.entries()) {
    if (!isMedia(line) || isRejected(line)) continue;
    const judged = purpose.judge(line, index);
    if (!(judged instanceof Refusal)) media.push(judged);
    else if (purpose.tolerates(judged)) reason ??= judged;
    else return judged;
  }
  if (media.length === 0) {
    return (
      reason ?? new Refusal(422, "no-media", "The offer has no audio and no video line in use")
    );
  }
  const accepted = media.flatMap(({ index }) => offer.media[index] ?? []);
  const transport = agreeTransport(offer, accepted);
  if (transport instanceof Refusal) return transport;
  const conflict = findConflict(offer, media);
  if (conflict !== undefined) return conflict;
  const sdp = encodeSdp(describe(offer, local, purpose, media, transport));
  return { sdp, remote: transport.remote, media };
}

function isMedia({ kind }: MediaDescription): boolean {
  return kind === "audio" || kind === "video";
}

/** Port 0 rejects a line, unless it only says that BUNDLE will give it a port (RFC 9143 §6). */
function isRejected({ port, bundleOnly }: MediaDescription): boolean {
  return port === 0 && !bundleOnly;
}

/**
 * On one transport a payload type and an extension id mean one thing only (RFC 9143 §9.2, §9.3).
 */
function findConflict(
  offer: SessionDescription,
  media: readonly NegotiatedMedia[],
): Refusal | undefined {
  const meanings = new Map<string, string>();
  for (const { index, kind, codecs, red, extensions } of media) {
    const here: [string, string][] = [];
    for (const { payloadType, rtxPayloadType, format } of codecs) {
      here.push([`payload type ${payloadType}`, `${kind} ${format.codec}`]);
      if (rtxPayloadType !== undefined)
        here.push([`payload type ${rtxPayloadType}`, `${kind} rtx`]);
    }
    if (red !== undefined) here.push([`payload type ${red.payloadType}`, `${kind} red`]);
    for (const { id, uri } of extensions) here.push([`extension id ${id}`, uri]);
    for (const [what, meaning] of here) {
      const other = meanings.get(what) ?? meaning;
      meanings.set(what, other);
      const line = offer.media[index];
      if (other === meaning || line === undefined) continue;
      const problem = `uses ${what} for ${meaning}, another bundled line for ${other}`;
      const message = `Line ${line.line}, ${lineName(line, index)}, ${problem}`;
      return new Refusal(400, "ambiguous-in-bundle", message, line.line);
    }
  }
  return undefined;
}

function describe(
  offer: SessionDescription,
  local: LocalParameters,
  purpose: Purpose,
  media: readonly NegotiatedMedia[],
  transport: AgreedTransport,
): SessionDescription {
  const accepted = new Map(media.map((line) => [line.index, line]));
  const { bundle } = transport;
  return {
    origin: originOf(local.sessionId),
    name: "-",
    iceLite: true,
    groups: bundle.length > 0 ? [{ semantics: "BUNDLE", mids: bundle }] : [],
    msidSemantic: "WMS *",
    extmapAllowMixed: offer.extmapAllowMixed,
    media: offer.media.map((line, index) => {
      const taken = accepted.get(index);
      return taken === undefined
        ? emptyLine(line) // port 0, with the fmt list as offered (RFC 3264 §6)
        : acceptedLine(line, taken, local, purpose.direction, transport);
    }),
  };
}

function acceptedLine(
  offered: MediaDescription,
  taken: NegotiatedMedia,
  local: LocalParameters,
  direction: "recvonly" | "sendonly",
  transport: AgreedTransport,
): MediaDescription {
  const codecs = answeredCodecs(offered, taken);
  const [algorithm = "", value = ""] = local.fingerprint.split(" ");
  return {
    ...emptyLine(offered),
    port: 9,
    formats: codecs.map(({ payloadType }) => `${payloadType}`),
    codecs,
    direction,
    rtcpMux: true,
    rtcpMuxOnly: offered.rtcpMuxOnly,
    rtcpRsize: offered.rtcpRsize,
    extensions: answeredExtensions(offered, taken.extensions, direction),
    iceUfrag: local.ufrag,
    icePwd: local.pwd,
    iceOptions: ICE_OPTIONS,
    candidates: local.candidates.map(candidateInSdp),
    endOfCandidates: true,
    setup: transport.remote.dtlsRole === "server" ? "passive" : "active",
    fingerprints: [{ algorithm, value }],
    ...sourceLines(taken.kind, taken.localSource, local),
    ...answeredSimulcast(offered, taken.rids, taken.codecs),
  };
}

/** Each codec with its RTX behind it; RED last, so that nobody prefers it, unless the offer did. */
function answeredCodecs(offered: MediaDescription, taken: NegotiatedMedia): readonly Codec[] {
  const out = taken.codecs.flatMap(codecWithRtx);
  const red = offered.codecs.find(({ payloadType }) => payloadType === taken.red?.payloadType);
  if (red === undefined) return out;
  const codec = { ...red, feedback: [] };
  return red === offered.codecs[0] ? [codec, ...out] : [...out, codec];
}
