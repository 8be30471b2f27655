/** Makes the session of an accepted offer. @module */
import type { Fault, Runtime } from "../../core/base/mod.ts";
import type { Candidate } from "../../core/session/webrtc/candidate.ts";
import type { IceCredentials } from "../../core/session/webrtc/ice_credentials.ts";
import type { Answer } from "../../core/session/webrtc/negotiation/mod.ts";
import { WebRtcTransport } from "../../core/session/webrtc/transport.ts";
import type { StreamName } from "../../core/stream/mod.ts";
import { toldInflow } from "../limits/told_inflow.ts";
import { word } from "../routes/envelope.ts";
import type { SignalRequest } from "../signal.ts";
import { Client } from "./client.ts";
import type { RtcContext } from "./context.ts";
import { IceSession } from "./ice_session.ts";
import { Publishing } from "./publishing.ts";
import { type EndReason, RtcSession } from "./session.ts";
import { UNREACHED_MILLIS, whyUnreached } from "./unreached.ts";
import type { Viewing } from "./viewing.ts";

export interface Accepted {
  readonly request: SignalRequest;
  readonly name: StreamName;
  readonly answer: Answer;
  readonly ice: IceCredentials;
  /** Ours, as they stand in our description. */
  readonly candidates: readonly Candidate[];
  readonly role: Publishing | Viewing;
  /** What its owner was told already; default: new ones. */
  readonly names?: SessionNames;
}

/** The public id and the secret of a session. */
export interface SessionNames {
  readonly id: string;
  readonly token: string;
}

export function makeNames(runtime: Runtime, { visit }: Pick<SignalRequest, "visit">): SessionNames {
  return { id: visit?.id ?? word(runtime, 8), token: word(runtime, 32) };
}

/** The client with its session, in the table until the session is over. */
export function openClient(context: RtcContext, accepted: Accepted): Client {
  const { runtime, config, log, metrics, clients } = context;
  const { request, name, answer, ice, role } = accepted;
  const transport = new WebRtcTransport({
    crypto: runtime.crypto,
    ice,
    dtlsRole: answer.remote.dtlsRole,
    certificate: context.dtlsCertificate,
    peerFingerprints: answer.remote.fingerprints,
    sink: role instanceof Publishing ? role.receiver : role.feedback,
    consentMillis: config["vhost.rtc.stun_timeout"],
    now: runtime.now(),
  });
  const { address } = request;
  const inflow = toldInflow(context, address, () => ({
    address,
    stream: name.key,
    client: client.id,
  }));
  const session = new RtcSession({
    runtime,
    inflow,
    transport,
    role,
    onFault: (fault) => metrics.fault(fault),
    onRetired: (ufrag) => clients.retire(client, ufrag),
    onError: (error) => log.limited("error", "A session failed", { error: String(error) }),
    afterInput: () => context.drain(),
    onPath: (path) => metrics.count("monoport_paths_selected_total", path.transport),
    onClosed: (reason, fault) => {
      watch[Symbol.dispose]();
      context.inflows.end(address, inflow);
      closed(context, client, reason, fault);
      request.visit?.left(session);
    },
  });
  role.session = session;
  const client = new Client({
    ...(accepted.names ?? makeNames(runtime, request)),
    bearer: request.bearer,
    ufrag: ice.ufrag,
    ice: new IceSession({
      runtime,
      local: ice,
      remote: answer.remote,
      candidates: accepted.candidates,
      media: answer.media,
    }),
    action: request.action,
    name,
    address,
    session,
    role,
    since: runtime.now(),
    offered: { candidates: request.candidates, proxied: request.proxied, address: request.address },
  });
  const watch = runtime.wakeAt(client.since + UNREACHED_MILLIS, () => watched(context, client));
  clients.add(client);
  request.visit?.began();
  log.event(request.action === "publish" ? "Publishing" : "Playing", {
    stream: name.key,
    client: client.id,
    address: request.address,
  });
  return client;
}

/** Says why, when nothing has come of a client by now. */
function watched({ log, metrics }: RtcContext, client: Client): void {
  if (client.session.receivedBytes > 0) return;
  const { cause, offered, advice } = whyUnreached(client.offered);
  metrics.count("monoport_sessions_unreached_total", cause);
  log.limited("warn", "No STUN within 5 s of an answer", {
    stream: client.name.key,
    client: client.id,
    address: client.address,
    offered,
    advice,
  });
}

function closed(
  { runtime, log, metrics, clients }: RtcContext,
  client: Client,
  reason: EndReason,
  fault: Fault | undefined,
): void {
  clients.delete(client);
  metrics.count("monoport_sessions_ended_total", reason);
  log.event("Session ended", {
    stream: client.name.key,
    client: client.id,
    action: client.action,
    reason,
    fault: fault?.toString(),
    seconds: Math.round((runtime.now() - client.since) / 1000),
  });
}
