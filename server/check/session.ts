/** A WHEP session of the check: an offer made by hand, for the addresses and credentials of its answer. @module */
import type { Runtime } from "../../core/base/mod.ts";
import type { IceCredentials } from "../../core/session/webrtc/ice_credentials.ts";
import { type Candidate, decodeSdp, isSdpFault } from "../../core/wire/sdp/mod.ts";
import { ask, type Target } from "./http.ts";

export interface Session {
  /** Of the server. */
  readonly ice: IceCredentials;
  /** Its candidates, each once. */
  readonly candidates: readonly Candidate[];
  /** To be deleted; undefined when the server names none. */
  readonly location: string | undefined;
}

/** Why there is no session. `status` is 0 when no answer came. */
export interface NoSession {
  readonly status: number;
  readonly words: string;
}

/** Most candidates that are tried. */
const CANDIDATES_MAX = 8;

export async function openSession(target: Target, secure: boolean): Promise<Session | NoSession> {
  const path = target.options.whep;
  const sdp = offer(target.runtime);
  const asked = await ask(target, secure, { method: "POST", path, sdp });
  if (typeof asked === "string") return { status: 0, words: asked };
  const { status, body } = asked.answer;
  if (status !== 201) return { status, words: (body.split("\n")[0] ?? "").slice(0, 200) };
  const answer = decodeSdp(body);
  if (isSdpFault(answer)) return { status, words: `the answer is no SDP: ${answer.toString()}` };
  const [section] = answer.media;
  const { iceUfrag: ufrag, icePwd: pwd } = section ?? {};
  if (ufrag === undefined || pwd === undefined)
    return { status, words: "the answer has no ICE credentials" };
  const candidates = new Map<string, Candidate>();
  for (const one of answer.media.flatMap((line) => line.candidates)) {
    if (one.component !== 1 || candidates.size >= CANDIDATES_MAX) continue;
    candidates.set(`${one.transport} ${one.address} ${one.port}`, one);
  }
  const location = asked.answer.field("location");
  return { ice: { ufrag, pwd }, candidates: [...candidates.values()], location };
}

export async function closeSession(target: Target, secure: boolean, from: Session): Promise<void> {
  const { host, port, whep } = target.options;
  if (from.location === undefined) return;
  const base = `http://${host.includes(":") ? `[${host}]` : host}:${port}${whep}`;
  const { pathname, search } = new URL(from.location, base);
  await ask(target, secure, { method: "DELETE", path: pathname + search });
}

/** H.264, VP8 and Opus, to receive; its fingerprint is of no certificate, as DTLS never begins. */
function offer({ crypto }: Runtime): string {
  const hex = (byte: number): string => byte.toString(16).padStart(2, "0").toUpperCase();
  const common = [
    "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:check",
    "a=ice-pwd:monoportcheckmonoportcheck",
    `a=fingerprint:sha-256 ${[...crypto.random(32)].map(hex).join(":")}`,
    "a=setup:actpass",
    "a=recvonly",
    "a=rtcp-mux",
    "a=rtcp-rsize",
  ];
  return [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
    ...common,
    "a=mid:0",
    "a=rtpmap:96 H264/90000",
    "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    "a=rtpmap:97 VP8/90000",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    ...common,
    "a=mid:1",
    "a=rtpmap:111 opus/48000/2",
    "",
  ].join("\r\n");
}
