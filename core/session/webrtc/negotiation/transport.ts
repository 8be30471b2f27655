/**
 * The one transport all lines share: BUNDLE (RFC 9143), rtcp-mux (RFC 5761), ICE (RFC 8839), DTLS
 * (RFC 8842). Browsers repeat its attributes in every section, but only those of the tagged one
 * count, the first of the group that is not rejected.
 *
 * @module
 */
import type { Fingerprint, MediaDescription, SessionDescription } from "../../../wire/sdp/mod.ts";
import { Refusal, type RemoteFingerprint, type RemoteParameters } from "./types.ts";
import { lineName } from "./words.ts";

/** Digests a certificate is held to; the older ones of RFC 8122 §5 prove too little. */
const TRUSTED_DIGESTS: readonly string[] = ["sha-256", "sha-384", "sha-512"];

export interface AgreedTransport {
  readonly remote: RemoteParameters;
  /** The mids of the answer's BUNDLE group, in the offer's order; empty when there is none. */
  readonly bundle: readonly string[];
}

/**
 * Settles the transport for the `accepted` lines of an offer, or of an answer: its writer may be
 * lite, as we are not then.
 */
export function agreeTransport(
  offer: SessionDescription,
  accepted: readonly MediaDescription[],
  mayBeLite = false,
): AgreedTransport | Refusal {
  const group = groupOf(offer, accepted);
  const unbundled = accepted.find(({ mid }) => mid === undefined || !group.includes(mid));
  if (unbundled !== undefined && accepted.length > 1) {
    return refuse(
      422,
      "not-bundled",
      offer,
      unbundled,
      "is not in the BUNDLE group of the others; everything goes over one transport, offer it with bundlePolicy max-bundle",
    );
  }
  const sections = inGroupOrder(offer, accepted, group);
  for (const media of accepted) {
    if (!multiplexes(media) && !multiplexes(sections[0])) {
      return refuse(
        422,
        "no-rtcp-mux",
        offer,
        media,
        "has no a=rtcp-mux; there is no second port for RTCP",
      );
    }
  }
  if (offer.iceLite && !mayBeLite) {
    return new Refusal(
      422,
      "both-ice-lite",
      "The offer has a=ice-lite and so have we: nobody would send checks",
    );
  }
  const remote = remoteParameters(offer, sections);
  if (remote instanceof Refusal) return remote;
  const mids = new Set(accepted.map(({ mid }) => mid));
  return { remote, bundle: group.filter((mid) => mids.has(mid)) };
}

/** `a=rtcp-mux-only` may stand alone (RFC 8858 §4.2). */
function multiplexes(media: MediaDescription | undefined): boolean {
  return media !== undefined && (media.rtcpMux || media.rtcpMuxOnly);
}

/** The mids of the BUNDLE group that the accepted lines are in. */
function groupOf(
  offer: SessionDescription,
  accepted: readonly MediaDescription[],
): readonly string[] {
  const first = accepted[0]?.mid;
  if (first === undefined) return [];
  const group = offer.groups.find(
    ({ semantics, mids }) => semantics === "BUNDLE" && mids.includes(first),
  );
  return group?.mids ?? [];
}

/**
 * The sections that may carry the transport's attributes: accepted ones first, then others bundled
 * with them.
 */
function inGroupOrder(
  offer: SessionDescription,
  accepted: readonly MediaDescription[],
  group: readonly string[],
): readonly MediaDescription[] {
  if (group.length === 0) return accepted;
  const byMid = new Map(offer.media.map((media) => [media.mid, media]));
  const bundled = group.flatMap((mid) => byMid.get(mid) ?? []);
  const chosen = new Set(accepted);
  return [
    ...bundled.filter((media) => chosen.has(media)),
    ...bundled.filter((media) => !chosen.has(media)),
  ];
}

function remoteParameters(
  offer: SessionDescription,
  sections: readonly MediaDescription[],
): RemoteParameters | Refusal {
  const [tagged] = sections;
  const ice = sections.find(
    ({ iceUfrag, icePwd }) => iceUfrag !== undefined && icePwd !== undefined,
  );
  if (ice?.iceUfrag === undefined || ice.icePwd === undefined) {
    return refuse(400, "no-ice-ufrag", offer, tagged, "has no a=ice-ufrag with an a=ice-pwd");
  }
  const offered = sections.find(({ fingerprints }) => fingerprints.length > 0);
  if (offered === undefined) {
    return refuse(
      400,
      "no-fingerprint",
      offer,
      tagged,
      "has no a=fingerprint; media without DTLS is not taken",
    );
  }
  const fingerprints = offered.fingerprints.filter(({ algorithm }) =>
    TRUSTED_DIGESTS.includes(algorithm),
  );
  if (fingerprints.length === 0) {
    const names = offered.fingerprints.map(({ algorithm }) => algorithm).join(", ");
    return refuse(
      400,
      "weak-fingerprint",
      offer,
      offered,
      `has a=fingerprint only by ${names}; sha-256, sha-384 or sha-512 is needed`,
    );
  }
  const setup = sections.find((media) => media.setup !== undefined)?.setup;
  if (setup === "holdconn") {
    return refuse(
      400,
      "setup-holdconn",
      offer,
      tagged,
      "has a=setup:holdconn, which no DTLS association allows (RFC 8842 §5.1)",
    );
  }
  return {
    ufrag: ice.iceUfrag,
    pwd: ice.icePwd,
    iceOptions: ice.iceOptions,
    fingerprints: fingerprints.map(digestOf),
    // Without a=setup the offerer is active (RFC 4145 §4), so only a passive one makes us open.
    dtlsRole: setup === "passive" ? "client" : "server",
  };
}

function digestOf({ algorithm, value }: Fingerprint): RemoteFingerprint {
  return {
    algorithm,
    digest: Uint8Array.from(value.split(":"), (byte) => Number.parseInt(byte, 16)),
  };
}

function refuse(
  status: 400 | 422,
  code: string,
  offer: SessionDescription,
  media: MediaDescription | undefined,
  problem: string,
): Refusal {
  if (media === undefined) return new Refusal(status, code, `The offer ${problem}`);
  const name = lineName(media, offer.media.indexOf(media));
  return new Refusal(status, code, `Line ${media.line}, ${name}, ${problem}`, media.line);
}
