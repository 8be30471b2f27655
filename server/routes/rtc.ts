/**
 * WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) with the paths and queries of SRS, short forms of
 * them, and the JSON API of SRS's older pages.
 *
 * @module
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as v from "valibot";
import type { Millis, Runtime } from "../../core/base/mod.ts";
import { admitAll } from "../admit.ts";
import type { CandidateRequest } from "../candidates/candidate_finder.ts";
import { type Candidates, isAddress } from "../candidates/candidates.ts";
import { type Door, enter } from "../hooks/mod.ts";
import type { Log } from "../log.ts";
import { isRefusal, type Signalling, type SignalRefusal, type SignalRequest } from "../signal.ts";
import { type BodyDeadline, mediaType, readBody } from "./body.ts";
import { type Identity, jsonCode, SRS_CODE } from "./envelope.ts";
import { eventsLink } from "./events.ts";
import { layerLink } from "./layer.ts";
import type { Peer } from "./peer.ts";
import { redirect } from "./redirect.ts";
import { namesSession, SDP_FRAGMENT, sessionResource } from "./session.ts";
import { bearerOf, tokenOf } from "./tokens.ts";

export interface RtcRoutesOptions extends Door {
  readonly signalling: Signalling;
  readonly identity: Identity;
  readonly log: Log;
  /** Most bytes of a body. */
  readonly bodyBytes: number;
  /** How long an offer may be on its way; without it as long as HTTP lets it. */
  readonly bodyMillis?: Millis;
  readonly peer: (context: Context) => Peer;
  /** What an answer to this request offers to connect to. */
  readonly candidates: (request: CandidateRequest) => Promise<Candidates>;
  /** Checks the names; a text says what is wrong with them. */
  readonly checkName: (app: string, stream: string) => string | undefined;
  readonly onRefused: (status: number) => void;
  /** Link values of STUN and TURN servers. */
  readonly iceLinks: readonly string[];
  /** Servers that new sessions are sent to: all of them, and those there is no room for. */
  readonly redirects: { readonly all: string; readonly full: string };
  readonly onRedirected: () => void;
  readonly clock: Pick<Runtime, "now" | "wakeAt">;
  /** Refuses who asks too often. */
  readonly rate: MiddlewareHandler;
}

type Action = "publish" | "play";

/** Who could not be decided on may come again so soon. */
const RETRY_SECONDS = 3;

/** Paths of SRS; the first that fits a session is its Location. */
const PATHS: readonly { readonly path: string; readonly action: Action }[] = [
  { path: "/rtc/v1/whip/", action: "publish" },
  { path: "/rtc/v1/whep/", action: "play" },
  { path: "/rtc/v1/whip-play/", action: "play" },
];

export function rtcRoutes(options: RtcRoutesOptions): Hono {
  const app = new Hono();
  for (const { path, action } of PATHS) {
    for (const spelling of [path, path.slice(0, -1)]) {
      app.all(spelling, (c) =>
        endpoint(
          c,
          options,
          actionOf(c, action),
          c.req.query("app") ?? "live",
          c.req.query("stream") ?? "livestream",
        ),
      );
    }
  }
  for (const [path, action] of [
    ["/whip/:app/:stream", "publish"],
    ["/whep/:app/:stream", "play"],
  ] as const) {
    app.all(path, (c) => endpoint(c, options, action, c.req.param("app"), c.req.param("stream")));
  }
  app.post("/rtc/v1/publish/", (c) => legacy(c, options, "publish"));
  app.post("/rtc/v1/play/", (c) => legacy(c, options, "play"));
  app.on(["GET", "PUT", "PATCH", "DELETE"], ["/rtc/v1/publish/", "/rtc/v1/play/"], (c) =>
    c.text("Method Not Allowed\n", 405, { allow: "POST, OPTIONS" }),
  );
  return app;
}

/** SRS lets `action=play` turn its WHIP path into playing. */
function actionOf(c: Context, action: Action): Action {
  return c.req.query("action") === "play" ? "play" : action;
}

const ALLOW = "GET, HEAD, POST, OPTIONS";

/** Any request to an endpoint, or to a session of it, whose URL has the same path. */
async function endpoint(
  c: Context,
  options: RtcRoutesOptions,
  action: Action,
  app: string,
  stream: string,
): Promise<Response> {
  if (namesSession(c)) return sessionResource(c, options);
  const accepts = { "accept-post": "application/sdp" };
  switch (c.req.method) {
    case "POST":
      return sentOn(c, options, options.redirects.all) ?? offer(c, options, action, app, stream);
    case "OPTIONS":
      await linkIceServers(c, options, { action, app, stream });
      return c.body(null, 200, { ...accepts, allow: ALLOW });
    case "GET":
    case "HEAD":
      // Nothing is represented here (RFC 9725 §4.1); of WHEP's, HEAD tells that it is one.
      return action === "play"
        ? c.body(null, 200, { ...accepts, "content-type": "application/sdp" })
        : c.body(null, 204, accepts);
    default:
      return c.text("Method Not Allowed\n", 405, { ...accepts, allow: ALLOW });
  }
}

function sentOn(c: Context, options: RtcRoutesOptions, base: string): Response | undefined {
  const answer = redirect(c, base);
  if (answer !== undefined) options.onRedirected();
  return answer;
}

/**
 * For clients whose WebRTC takes servers only before the offer (RFC 9725 §4.6). Who would not be
 * admitted gets no credentials, and a preflight asks for none.
 */
async function linkIceServers(
  c: Context,
  { iceLinks, admit, hooks, peer }: RtcRoutesOptions,
  wanted: Pick<Wanted, "action" | "app" | "stream">,
): Promise<void> {
  // Hooks are asked about sessions, which begin with the POST: who is let in gets them then.
  if (iceLinks.length === 0 || hooks !== undefined || c.req.header("access-control-request-method"))
    return;
  const { address } = peer(c);
  const verdict = await admit({ ...wanted, token: tokenOf(c), address });
  if (!verdict.admitted) return;
  for (const link of iceLinks) c.header("link", link, { append: true });
}

/** Answers an offer: 201 with the session in Location, or a refusal in words. */
export async function offer(
  c: Context,
  options: RtcRoutesOptions,
  action: Action,
  app: string,
  stream: string,
): Promise<Response> {
  const refuse = (
    status: SignalRefusal["status"] | 408 | 413 | 415,
    message: string,
    retryAfterSeconds?: number,
  ): Response => {
    options.onRefused(status);
    options.log.event(`Refused to ${action}`, {
      app,
      stream,
      status,
      reason: message,
      address: options.peer(c).address,
    });
    if (retryAfterSeconds !== undefined) c.header("retry-after", String(retryAfterSeconds));
    if (status === 401) c.header("www-authenticate", "Bearer");
    return c.text(`${message}\n`, status);
  };
  const type = mediaType(c);
  const sdp =
    type === "application/sdp" || type === ""
      ? await readBody(c, options.bodyBytes, deadlineOf(options))
      : "-";
  // A viewer who sends nothing asks for an offer.
  if (type !== "application/sdp" && (action === "publish" || sdp !== "")) {
    return refuse(
      415,
      `Cannot take a body of type ${JSON.stringify(type)}: send the offer as application/sdp`,
    );
  }
  if (typeof sdp !== "string") return refuse(sdp.status, sdp.message);
  const request = await check(c, options, { action, app, stream, sdp });
  if ("status" in request)
    return refuse(request.status, request.message, request.retryAfterSeconds);
  const answer = options.signalling.offer({ ...request, takesOffers: action === "play" });
  if (isRefusal(answer)) {
    request.visit?.left();
    const elsewhere =
      answer.status === 503 ? sentOn(c, options, options.redirects.full) : undefined;
    return elsewhere ?? refuse(answer.status, answer.message, answer.retryAfterSeconds);
  }
  const query = new URLSearchParams({
    action: "delete",
    token: answer.token,
    app,
    stream,
    session: answer.id,
  });
  const path = action === "publish" ? "/rtc/v1/whip/" : "/rtc/v1/whep/";
  if (action === "play") {
    for (const link of [layerLink(answer.id, answer.token), eventsLink(answer.id, answer.token)])
      c.header("link", link, { append: true });
  }
  for (const link of options.iceLinks) c.header("link", link, { append: true });
  if (answer.type === "offer") {
    return c.body(answer.sdp, 406, {
      "content-type": "application/sdp",
      "accept-patch": "application/sdp",
      location: `${path}?${query}`,
    });
  }
  return c.body(answer.sdp, 201, {
    "content-type": "application/sdp",
    "accept-patch": SDP_FRAGMENT,
    etag: `"${answer.etag}"`,
    location: `${path}?${query}`,
  });
}

function deadlineOf({ clock, bodyMillis }: RtcRoutesOptions): BodyDeadline | undefined {
  return bodyMillis === undefined ? undefined : { clock, millis: bodyMillis };
}

interface Wanted {
  readonly action: Action;
  readonly app: string;
  readonly stream: string;
  readonly sdp: string;
}

/** Names, switches of SRS that would weaken us, admission: all that comes before a session. */
async function check(
  c: Context,
  options: RtcRoutesOptions,
  wanted: Wanted,
  more: {
    readonly clientip?: string;
    readonly candidates?: readonly string[];
    readonly query?: string;
  } = {},
): Promise<SignalRequest | SignalRefusal> {
  const { action, app, stream } = wanted;
  const { clientip = "", candidates = [], query: param = queryOf(c) } = more;
  const wrongName = options.checkName(app, stream);
  if (wrongName !== undefined) return { status: 400, message: wrongName };
  for (const unsafe of ["encrypt", "dtls"]) {
    if (c.req.query(unsafe) === "false")
      return { status: 400, message: `Cannot serve ${unsafe}=false: media is always encrypted` };
  }
  for (const ignored of ["ice-ufrag", "ice-pwd"]) {
    if (c.req.query(ignored) !== undefined)
      options.log.limited("warn", `The query ${ignored} is ignored: the server chooses its own`, {
        app,
        stream,
      });
  }
  const peer = options.peer(c);
  // Who asks through a proxy writes his body himself: only a proxy's own call may name another.
  const own = peer.trusted && peer.address === peer.direct;
  const address = own && isAddress(clientip) ? clientip : peer.address;
  const pageUrl = c.req.header("referer") ?? "";
  const visitor = { action, app, stream, token: tokenOf(c), address, param, tcUrl: "", pageUrl };
  const entered = await enter(options, visitor);
  if (!entered.admitted) {
    const { status, reason: message } = entered;
    const later = status === 429 || status === 503;
    return { status, message, ...(later ? { retryAfterSeconds: RETRY_SECONDS } : {}) };
  }
  const queries = (name: string): readonly string[] => c.req.queries(name) ?? [];
  const query = [...queries("eip"), ...queries("candidate"), ...candidates];
  return {
    ...wanted,
    candidates: await options.candidates({ ...peer, address, query }),
    proxied: peer.proxied,
    codec: c.req.query("codec") ?? "",
    layer: { layer: c.req.query("layer") ?? "", maxHeight: c.req.query("max_height") ?? "" },
    address,
    client: `${address} ${c.req.header("user-agent") ?? ""}`,
    takesOffers: false,
    // Where everybody is admitted, a token means nothing.
    bearer: options.admit === admitAll ? "" : bearerOf(c),
    visit: entered.visit,
  };
}

function queryOf(c: Context): string {
  return new URL(c.req.url).search.slice(1);
}

const legacyBody = v.object({
  sdp: v.string(),
  streamurl: v.pipe(v.string(), v.maxLength(2048)),
  api: v.optional(v.nullable(v.string())),
  tid: v.optional(v.nullable(v.string())),
  clientip: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64)))),
});

/** `/rtc/v1/publish/` and `/rtc/v1/play/`: 200 with a code, whatever happened. */
async function legacy(c: Context, options: RtcRoutesOptions, action: Action): Promise<Response> {
  const refuse = (status: number, message: string): Response => {
    options.onRefused(status);
    options.log.event(`Refused to ${action}`, {
      status,
      reason: message,
      address: options.peer(c).address,
    });
    return jsonCode(status === 409 ? SRS_CODE.streamBusy : SRS_CODE.badRequest, message);
  };
  const text = await readBody(c, options.bodyBytes);
  if (typeof text !== "string") return refuse(text.status, text.message);
  const body = v.safeParse(v.pipe(v.string(), v.parseJson(), legacyBody), text);
  if (!body.success)
    return refuse(
      400,
      `Cannot read the body: ${body.issues.map((issue) => `${v.getDotPath(issue) ?? "JSON"}: ${issue.message}`).join("; ")}`,
    );
  const url = parseStreamUrl(body.output.streamurl);
  if (url === undefined)
    return refuse(
      400,
      `Cannot read streamurl ${JSON.stringify(body.output.streamurl)}: it is webrtc://HOST/APP/STREAM`,
    );
  const request = await check(
    c,
    options,
    { action, app: url.app, stream: url.stream, sdp: body.output.sdp },
    { clientip: body.output.clientip ?? "", candidates: url.candidates, query: url.query },
  );
  if ("status" in request) return refuse(request.status, request.message);
  const answer = options.signalling.offer({
    ...request,
    codec: request.codec || url.codec,
  });
  if (isRefusal(answer)) {
    request.visit?.left();
    return refuse(answer.status, answer.message);
  }
  return c.json({ code: 0, ...options.identity, sdp: answer.sdp, sessionid: answer.id });
}

/** `webrtc://host[:port]/app/stream?query`. */
function parseStreamUrl(
  text: string,
): { app: string; stream: string; query: string; candidates: string[]; codec: string } | undefined {
  const [, path = "", query = ""] = /^webrtc:\/\/[^/?#]+\/([^?#]+)(?:\?([^#]*))?$/.exec(text) ?? [];
  const [app, stream, ...more] = path.split("/");
  if (!app || !stream || more.length > 0) return undefined;
  const parameters = new URLSearchParams(query);
  return {
    app,
    stream,
    query,
    candidates: [...parameters.getAll("eip"), ...parameters.getAll("candidate")],
    codec: parameters.get("codec") ?? "",
  };
}
