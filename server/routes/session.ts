/**
 * The session resource: what may be asked of the Location of a 201 (RFC 9725 §4.3,
 * draft-ietf-wish-whep §4.4).
 *
 * Its URL holds a secret nobody can guess, so whoever has it is the owner; who was admitted by a
 * bearer token shows that as well (RFC 9725 §4.7.1).
 *
 * @module
 */
import type { Context } from "hono";
import { decodeSdpFragment, isSdpFault, type SdpFragment } from "../../core/wire/sdp/mod.ts";
import type { SignalSession } from "../signal.ts";
import { mediaType, readBody } from "./body.ts";
import { type Condition, ifMatch } from "./if_match.ts";
import type { RtcRoutesOptions } from "./rtc.ts";
import { bearerOf } from "./tokens.ts";

export const SDP_FRAGMENT = "application/trickle-ice-sdpfrag";

const SDP = "application/sdp";

const ALLOW = "GET, HEAD, PATCH, DELETE, OPTIONS";

/** Whether a request is about a session, and not to make one. */
export function namesSession(c: Context): boolean {
  return c.req.query("session") !== undefined;
}

/** Any request to a session. */
export async function sessionResource(c: Context, options: RtcRoutesOptions): Promise<Response> {
  if (c.req.method === "OPTIONS") return c.body(null, 200, { allow: ALLOW });
  const { session: id = "", token = "" } = c.req.query();
  const session = options.signalling.session(id, token);
  if (session === undefined) return c.text("No such session\n", 404);
  const refusal = await authorize(c, options, session);
  if (refusal !== undefined) return refusal;
  switch (c.req.method) {
    case "GET":
    case "HEAD":
      return c.body(null, 204, { "accept-patch": acceptPatch(session) });
    case "PATCH":
      return patch(c, options, session);
    case "DELETE":
      session.end();
      return c.body(null, 200);
    default:
      return c.text("Method Not Allowed\n", 405, { allow: ALLOW });
  }
}

/** Another token than that of the POST may be a renewed one: admission knows. */
export async function authorize(
  c: Context,
  options: RtcRoutesOptions,
  session: SignalSession,
): Promise<Response | undefined> {
  if (session.bearer === "") return undefined;
  const bearer = bearerOf(c);
  if (options.signalling.sameSecret(session.bearer, bearer)) return undefined;
  const challenge = { "www-authenticate": "Bearer" };
  if (bearer === "") {
    return c.text("The session was made with a bearer token: send it here too\n", 401, challenge);
  }
  const { action, app, stream } = session;
  const { address } = options.peer(c);
  const verdict = await options.admit({ action, app, stream, token: bearer, address });
  if (verdict.admitted) return undefined;
  return c.text(`${verdict.reason}\n`, verdict.status, verdict.status === 401 ? challenge : {});
}

function acceptPatch({ waits }: SignalSession): string {
  return waits ? SDP : SDP_FRAGMENT;
}

async function patch(
  c: Context,
  options: RtcRoutesOptions,
  session: SignalSession,
): Promise<Response> {
  const type = mediaType(c);
  if (type === SDP && session.action === "play") return patchAnswer(c, options, session);
  if (type !== SDP_FRAGMENT) {
    return c.text(
      `Cannot take a body of type ${JSON.stringify(type)}: send ICE as ${SDP_FRAGMENT}\n`,
      415,
      { "accept-patch": acceptPatch(session) }, // RFC 5789 §2.2
    );
  }
  if (session.waits) return c.text("The offer waits for its answer, as application/sdp\n", 409);
  const condition = ifMatch(c.req.header("if-match"), session.etag);
  if (condition === "missing") {
    return c.text("A PATCH needs If-Match: the ETag of this ICE session, or * to restart\n", 428);
  }
  if (condition === "failed") {
    return c.text("If-Match names another ICE session: ICE was restarted since\n", 412);
  }
  const text = await readBody(c, options.bodyBytes);
  if (typeof text !== "string") return c.text(`${text.message}\n`, text.status);
  const fragment = decodeSdpFragment(text);
  if (isSdpFault(fragment)) return c.text(`The fragment is wrong: ${fragment.message}\n`, 400);
  return patchIce(c, session, fragment, condition);
}

/** The answer to our counter-offer; the ICE session begins with it, and so does its ETag. */
async function patchAnswer(
  c: Context,
  options: RtcRoutesOptions,
  session: SignalSession,
): Promise<Response> {
  const sdp = await readBody(c, options.bodyBytes);
  if (typeof sdp !== "string") return c.text(`${sdp.message}\n`, sdp.status);
  const refusal = session.answer(sdp);
  if (refusal !== undefined) {
    const { status, message, retryAfterSeconds } = refusal;
    if (retryAfterSeconds !== undefined) c.header("retry-after", String(retryAfterSeconds));
    return c.text(`${message}\n`, status);
  }
  return c.body(null, 204, { "accept-patch": SDP_FRAGMENT, etag: `"${session.etag}"` });
}

/**
 * Candidates need nothing of a lite agent, who answers whoever shows the password: they were read,
 * and that is all. Other credentials than the peer's own are a restart.
 */
function patchIce(
  c: Context,
  session: SignalSession,
  { credentials }: SdpFragment,
  condition: Condition,
): Response {
  const { peer } = session;
  const known = credentials === undefined || credentials.ufrag === peer.ufrag;
  const samePwd = credentials === undefined || credentials.pwd === peer.pwd;
  if (known !== samePwd) {
    return c.text(
      "A restart changes both ice-ufrag and ice-pwd (RFC 8839 §4.4.1.1.1); one of them is the old\n",
      422,
    );
  }
  if (credentials !== undefined && !known) session.restart(credentials);
  // Whose 200 was lost sends his restart again, and gets the same answer.
  else if (credentials === undefined || condition !== "any" || session.restarts === 0) {
    return c.body(null, 204); // without an ETag: RFC 9725 §4.3.2
  }
  return c.body(session.fragment(), 200, {
    "content-type": SDP_FRAGMENT,
    etag: `"${session.etag}"`,
  });
}
