/** WebRTC over one transport: does any address of the answer answer a check of the session. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Candidate } from "../../core/wire/sdp/mod.ts";
import { isAddress } from "../candidates/candidates.ts";
import type { CheckOptions } from "./arguments.ts";
import type { Target } from "./http.ts";
import { hostAndPort, inMillis, type Line, line } from "./line.ts";
import type { Session } from "./session.ts";
import { askTcp, askUdp, errorOf, mappedBy, type StunAnswer, sessionRequest } from "./stun.ts";

export type Transport = "tcp" | "udp";

const TITLE = { tcp: "WebRTC over TCP", udp: "WebRTC over UDP" } as const;
const SETTING = { tcp: "rtc_server.tcp.enabled on", udp: "rtc_server.protocol all" } as const;

/** For further addresses, after one has passed. */
const MORE_MILLIS: Millis = 300;

export async function mediaLine(
  target: Target,
  session: Session,
  transport: Transport,
): Promise<Line> {
  const title = TITLE[transport];
  const offered = session.candidates.filter((one) => canTry(one, transport));
  if (offered.length === 0) {
    const advice = `The answer names no ${transport.toUpperCase()} address (Monoport: ${SETTING[transport]}).`;
    return line(title, "not offered", "", advice);
  }
  const tried = await askAll(target, session, transport, offered);
  const facts = tried
    .map(({ candidate, words }) => `${hostAndPort(candidate.address, candidate.port)} ${words}`)
    .join("; ");
  if (tried.some(({ passes }) => passes)) return line(title, "passes", facts);
  const whys = new Set(tried.map(({ why }) => why));
  return line(title, "blocked", facts, adviceOn(transport, target.options, offered, whys));
}

/** An active candidate connects itself; a port of 9 belongs to one. */
function canTry({ transport, tcpType, port }: Candidate, wanted: Transport): boolean {
  return transport === wanted && port > 0 && (wanted === "udp" || tcpType !== "active");
}

interface Tried extends Judged {
  readonly candidate: Candidate;
}

/** Tries all at once; when one has passed, the others have a moment more. */
function askAll(
  target: Target,
  session: Session,
  transport: Transport,
  offered: readonly Candidate[],
): Promise<Tried[]> {
  const { runtime } = target;
  const late: Judged = { passes: false, words: "has not answered yet", why: "silent" };
  const tried: Tried[] = offered.map((candidate) => ({ candidate, ...late }));
  return new Promise((resolve) => {
    let left = offered.length;
    for (const [i, candidate] of offered.entries()) {
      void askCandidate(target, session, candidate, transport).then((answer) => {
        const judged = judge(runtime, session, answer);
        tried[i] = { candidate, ...judged };
        left--;
        if (left === 0) resolve(tried);
        else if (judged.passes) runtime.wakeAt(runtime.now() + MORE_MILLIS, () => resolve(tried));
      });
    }
  });
}

async function askCandidate(
  { runtime, options, address }: Target,
  session: Session,
  candidate: Candidate,
  transport: Transport,
): Promise<StunAnswer> {
  const request = sessionRequest(runtime, session.ice);
  const named = !isAddress(candidate.address);
  // The name that was asked for is resolved already.
  const host = named && candidate.address === options.host ? address : candidate.address;
  const to = { host, port: candidate.port };
  const millis = options.timeoutMillis;
  if (transport === "tcp") return await askTcp(runtime, to, request, millis);
  if (isAddress(host)) return await askUdp(runtime, to, request, millis);
  return { why: "unreachable", words: "is a name, which is not tried over UDP" };
}

interface Judged {
  readonly passes: boolean;
  readonly words: string;
  readonly why: string;
}

function judge(runtime: Runtime, session: Session, answer: StunAnswer): Judged {
  if ("why" in answer) return { passes: false, words: `fails (${answer.words})`, why: answer.why };
  const mapped = mappedBy(runtime, answer.message, session.ice);
  if (mapped === undefined) {
    const error = errorOf(answer.message) || "not by this session";
    return { passes: false, words: `answers ${error}`, why: "refused" };
  }
  const seen = hostAndPort(mapped.host, mapped.port);
  return {
    passes: true,
    words: `answers in ${inMillis(answer.millis)} and sees ${seen}`,
    why: "",
  };
}

function adviceOn(
  transport: Transport,
  { host, port }: CheckOptions,
  offered: readonly Candidate[],
  whys: ReadonlySet<string>,
): string {
  const list = offered.map((one) => hostAndPort(one.address, one.port)).join(", ");
  if (whys.has("refused"))
    return `What answers at ${list} is not the server of this session: do balancers send media and HTTP to different ones?`;
  if (transport === "udp")
    return `No UDP passes between this machine and ${list}: a firewall drops it, or the port is not open, not mapped (docker run -p PORT:PORT/udp), or not at this address.`;
  if (whys.has("http"))
    return `A proxy that speaks HTTP answers at ${list}: have it pass TCP (nginx stream, haproxy mode tcp), or offer a port beside it (rtc_server.tcp.listen, CANDIDATE=ADDRESS:PORT).`;
  if (!offered.some((one) => one.port === port && one.address === host))
    return `The server offers ${list} and was asked at ${hostAndPort(host, port)}: start it with CANDIDATE=ADDRESS, the address that clients use.`;
  return `Raw TCP does not pass to ${list}: something on the way takes HTTP or TLS alone. Let it pass TCP unchanged.`;
}
