/**
 * Offers we make (RFC 8829 §5.2): as a client of another server, who publishes to it or plays from
 * it, or to a viewer whose own offer had no codec of the stream.
 *
 * @module
 */
import { type Format, kindOf, type MediaKind } from "../../../media/mod.ts";
import { encodeSdp, type MediaDescription } from "../../../wire/sdp/mod.ts";
import { candidateInSdp } from "../candidate.ts";
import { codecWithRtx, emptyLine, ICE_OPTIONS, originOf, sourceLines } from "./describe.ts";
import {
  ABS_CAPTURE_TIME_URI,
  AUDIO_LEVEL_URI,
  COLOR_SPACE_URI,
  DEPENDENCY_DESCRIPTOR_URI,
  extensionId,
  MID_URI,
  PLAYOUT_DELAY_URI,
  TRANSPORT_CC_URI,
  VIDEO_ORIENTATION_URI,
} from "./extensions.ts";
import { newSource } from "./sources.ts";
import type { LocalParameters, NegotiatedCodec, NegotiatedMedia } from "./types.ts";

export interface OfferOptions {
  readonly local: LocalParameters;
  readonly direction: "sendonly" | "recvonly";
  /** The best first; one line for each kind that has any. */
  readonly formats: readonly Format[];
  /** Whether we only answer checks. */
  readonly iceLite: boolean;
  /** `i=`: one line for people. */
  readonly information?: string;
}

/** An offer that went out, for the answer to be held against. */
export interface Offer {
  readonly sdp: string;
  readonly direction: "sendonly" | "recvonly";
  /** The lines as offered, in their order. */
  readonly media: readonly NegotiatedMedia[];
}

const FOR_BOTH = [MID_URI, TRANSPORT_CC_URI, ABS_CAPTURE_TIME_URI];
const EXTENSIONS: Readonly<Record<MediaKind, readonly string[]>> = {
  audio: [...FOR_BOTH, AUDIO_LEVEL_URI],
  video: [
    ...FOR_BOTH,
    VIDEO_ORIENTATION_URI,
    PLAYOUT_DELAY_URI,
    COLOR_SPACE_URI,
    DEPENDENCY_DESCRIPTOR_URI,
  ],
};
/** An id means the same in every line (RFC 9143 §9.3). */
const EXTENSION_IDS: ReadonlyMap<string, number> = /* @__PURE__ */ new Map(
  [...new Set([...EXTENSIONS.audio, ...EXTENSIONS.video])].map((uri, at) => [uri, at + 1]),
);

/** Payload types that belong to a codec (RFC 3551 §6). */
const STATIC_TYPES: Readonly<Partial<Record<string, number>>> = { pcmu: 0, pcma: 8 };
/** Where dynamic payload types begin (RFC 3551 §6). */
const FIRST_DYNAMIC_TYPE = 96;
const LAST_TYPE = 127;

/** All we forward, for an offer to receive; H.264 in the profiles that senders insist on. */
export const RECEIVED_FORMATS: readonly Format[] = [
  ...["42e01f", "42001f", "4d001f", "640c1f"].map((profile) => h264(profile, 1)),
  video("vp8", ""),
  video("vp9", "profile-id=0"),
  video("av1", ""),
  video("h265", ""),
  h264("42e01f", 0),
  { codec: "opus", clockRate: 48_000, channels: 2, parameters: "minptime=10;useinbandfec=1" },
  { codec: "pcmu", clockRate: 8000, channels: 1, parameters: "" },
  { codec: "pcma", clockRate: 8000, channels: 1, parameters: "" },
];

function h264(profile: string, mode: 0 | 1): Format {
  const asymmetry = "level-asymmetry-allowed=1";
  return video("h264", `${asymmetry};packetization-mode=${mode};profile-level-id=${profile}`);
}

function video(codec: Format["codec"], parameters: string): Format {
  return { codec, clockRate: 90_000, channels: 0, parameters };
}

/** An offer with audio first, as browsers have it. Formats beyond the payload types are left out. */
export function makeOffer(options: OfferOptions): Offer {
  const { local, direction, formats, iceLite } = options;
  const types = new PayloadTypes();
  const ssrcs = new Set<number>();
  const media: NegotiatedMedia[] = [];
  for (const kind of ["audio", "video"] as const) {
    const own = formats.filter(({ codec }) => kindOf(codec) === kind);
    const codecs = own.flatMap((format) => offeredCodec(format, types, local));
    if (codecs.length === 0) continue;
    const localSource = direction === "sendonly" ? newSource(codecs, local, ssrcs) : undefined;
    media.push({ ...offeredLine(kind, media.length, codecs), localSource });
  }
  const sdp = encodeSdp({
    origin: originOf(local.sessionId),
    name: "-",
    ...(options.information === undefined ? {} : { information: options.information }),
    iceLite,
    groups: [{ semantics: "BUNDLE", mids: media.flatMap(({ mid }) => mid ?? []) }],
    msidSemantic: "WMS *",
    extmapAllowMixed: false,
    media: media.map((line) => describe(line, options)),
  });
  return { sdp, direction, media };
}

/** Gives payload types away. */
class PayloadTypes {
  #next = FIRST_DYNAMIC_TYPE;

  of(codec: string): number | undefined {
    return STATIC_TYPES[codec] ?? (this.#next <= LAST_TYPE ? this.#next++ : undefined);
  }
}

function offeredCodec(
  format: Format,
  types: PayloadTypes,
  { declinedFeedback = [] }: LocalParameters,
): NegotiatedCodec[] {
  const payloadType = types.of(format.codec);
  if (payloadType === undefined) return [];
  const isVideo = kindOf(format.codec) === "video";
  return [
    {
      payloadType,
      format,
      rtxPayloadType: isVideo ? types.of("rtx") : undefined,
      nack: !declinedFeedback.includes("nack"),
      pli: isVideo,
      fir: isVideo,
      transportCc: !declinedFeedback.includes("transport-cc"),
      remb: false,
    },
  ];
}

function offeredLine(
  kind: MediaKind,
  index: number,
  codecs: readonly NegotiatedCodec[],
): NegotiatedMedia {
  const withFeedback = codecs.some(({ transportCc }) => transportCc);
  const extensions = EXTENSIONS[kind]
    .filter((uri) => uri !== TRANSPORT_CC_URI || withFeedback)
    .map((uri) => ({ id: EXTENSION_IDS.get(uri) ?? 0, uri }));
  return {
    index,
    mid: `${index}`,
    kind,
    codecs,
    red: undefined,
    extensions,
    midExtensionId: extensionId(extensions, MID_URI),
    ridExtensionId: undefined,
    repairedRidExtensionId: undefined,
    transportCcId: extensionId(extensions, TRANSPORT_CC_URI),
    rtcpRsize: true,
    remoteSources: [],
    rids: [],
    localSource: undefined,
  };
}

function describe(
  line: NegotiatedMedia,
  { local, direction, iceLite }: OfferOptions,
): MediaDescription {
  const codecs = line.codecs.flatMap(codecWithRtx);
  const [algorithm = "", value = ""] = local.fingerprint.split(" ");
  const { kind, mid } = line;
  const formats = codecs.map(({ payloadType }) => `${payloadType}`);
  return {
    ...emptyLine({ kind, mid, protocol: "UDP/TLS/RTP/SAVPF", formats }),
    port: 9,
    codecs,
    direction,
    rtcpMux: true,
    rtcpMuxOnly: true, // RFC 9725 §4.4.1
    rtcpRsize: true,
    extensions: line.extensions.map(({ id, uri }) => ({ id, uri, direction: undefined })),
    iceUfrag: local.ufrag,
    icePwd: local.pwd,
    iceOptions: iceLite ? ICE_OPTIONS : [],
    candidates: local.candidates.map(candidateInSdp),
    // A full agent comes by addresses that it does not name: who knew there were no more would give
    // up before its first check (werift does).
    endOfCandidates: iceLite,
    setup: "actpass",
    fingerprints: [{ algorithm, value }],
    ...sourceLines(kind, line.localSource, local),
  };
}
