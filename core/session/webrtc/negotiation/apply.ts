/** The answer to an offer of ours (RFC 8829 §5.11): what the far end chose. @module */
import { sameFormat } from "../../../media/mod.ts";
import type { Candidate, MediaDescription, SessionDescription } from "../../../wire/sdp/mod.ts";
import { commonGround } from "./lines.ts";
import type { Offer } from "./offer.ts";
import { agreeTransport } from "./transport.ts";
import {
  type LocalParameters,
  type NegotiatedMedia,
  Refusal,
  type RemoteParameters,
} from "./types.ts";
import { lineName } from "./words.ts";

/** An offer of ours that was answered. */
export interface AppliedAnswer {
  readonly remote: RemoteParameters;
  /** The lines that carry media, in their order; at least one. */
  readonly media: readonly NegotiatedMedia[];
  /** The far end's candidates, of all lines, each once. */
  readonly candidates: readonly Candidate[];
  /** Whether the far end only answers checks. */
  readonly iceLite: boolean;
}

/**
 * Reads an answer. Lines the far end has rejected, or does not take in the direction we offered,
 * carry nothing; when none is left that is a refusal, and so is all that is wrong with a transport.
 */
export function applyAnswer(
  offer: Offer,
  answer: SessionDescription,
  local: LocalParameters,
): AppliedAnswer | Refusal {
  const wrong = checkShape(offer, answer);
  if (wrong !== undefined) return wrong;
  const media: NegotiatedMedia[] = [];
  for (const offered of offer.media) {
    const line = answer.media[offered.index];
    if (line === undefined || line.port === 0 || !fits(line, offer.direction)) continue;
    const agreed = agree(offered, line, offer.direction, local);
    if (agreed instanceof Refusal) return ofAnswer(agreed);
    if (agreed.codecs.length > 0) media.push(agreed);
  }
  if (media.length === 0) {
    return new Refusal(422, "no-media", "The answer takes no audio and no video line");
  }
  const accepted = media.flatMap(({ index }) => answer.media[index] ?? []);
  const transport = agreeTransport(answer, accepted, true);
  if (transport instanceof Refusal) return ofAnswer(transport);
  return {
    remote: transport.remote,
    media,
    candidates: candidatesOf(answer),
    iceLite: answer.iceLite,
  };
}

/** RFC 3264 §6: as many lines, of the same kinds. */
function checkShape(offer: Offer, answer: SessionDescription): Refusal | undefined {
  const same =
    answer.media.length === offer.media.length &&
    offer.media.every(({ kind, index }) => answer.media[index]?.kind === kind);
  if (same) return undefined;
  const kinds = (lines: readonly { readonly kind: string }[]): string =>
    lines.map(({ kind }) => kind).join(", ") || "none";
  return new Refusal(
    422,
    "other-lines",
    `The answer has other lines than the offer: ${kinds(answer.media)}; offered were ${kinds(offer.media)}`,
  );
}

/** `sendrecv` is what sloppy servers answer. */
function fits(line: MediaDescription, ours: Offer["direction"]): boolean {
  const theirs = ours === "sendonly" ? "recvonly" : "sendonly";
  return line.direction === theirs || line.direction === "sendrecv";
}

function agree(
  offered: NegotiatedMedia,
  line: MediaDescription,
  direction: Offer["direction"],
  local: LocalParameters,
): NegotiatedMedia | Refusal {
  const common = commonGround(line, offered.index, direction, local);
  if (common instanceof Refusal) return common;
  const uris = new Map(offered.extensions.map(({ id, uri }) => [id, uri]));
  if (common.extensions.some(({ id, uri }) => uris.get(id) !== uri)) {
    return new Refusal(
      422,
      "not-offered",
      `Line ${line.line}, ${lineName(line, offered.index)}, has an a=extmap that was not offered`,
      line.line,
    );
  }
  const codecs = common.codecs
    .filter(({ format }) => offered.codecs.some((one) => sameFormat(one.format, format)))
    .map((codec) => {
      const known = offered.codecs.some(({ rtxPayloadType }) => rtxPayloadType !== undefined);
      return known ? codec : { ...codec, rtxPayloadType: undefined };
    });
  const rtx = codecs.some(({ rtxPayloadType }) => rtxPayloadType !== undefined);
  const source = offered.localSource;
  return {
    ...common,
    mid: line.mid ?? offered.mid,
    codecs,
    red: undefined,
    rids: [],
    remoteSources: direction === "recvonly" ? common.remoteSources : [],
    localSource: source && { ...source, rtxSsrc: rtx ? source.rtxSsrc : undefined },
  };
}

/** Bundled lines repeat them. */
function candidatesOf(answer: SessionDescription): readonly Candidate[] {
  const all = answer.media.flatMap(({ candidates }) => candidates);
  const known = new Map<string, Candidate>();
  for (const one of all) {
    if (one.component !== 1) continue;
    known.set(`${one.transport} ${one.tcpType ?? ""} ${one.address} ${one.port}`, one);
  }
  return [...known.values()];
}

function ofAnswer({ status, code, message, line }: Refusal): Refusal {
  return new Refusal(status, code, message.replace("The offer", "The answer"), line);
}
