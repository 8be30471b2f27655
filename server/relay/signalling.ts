/** WHIP (RFC 9725) and WHEP as their client: an offer posted, redirects followed, the session ended. @module */
import type { Endpoint, Millis } from "../../core/base/mod.ts";
import { type HttpAnswer, RequestFailed } from "./http_answer.ts";
import type { HttpClient } from "./http_client.ts";
import { parseTarget } from "./rules.ts";
import { parseVia, VIA_FIELD } from "./via.ts";

/** Redirects of one offer (RFC 9725 §4.5); more are a circle. */
export const REDIRECTS_MAX = 5;
/** The longest a far end may make us wait by Retry-After. */
const RETRY_AFTER_MAX_MILLIS: Millis = 300_000;
/** Characters of a refusal that are told. */
const REASON_MAX_CHARACTERS = 200;

/** The far end took the offer. */
export interface Accepted {
  readonly sdp: string;
  /** What is deleted in the end; `undefined` when the far end named nothing. */
  readonly session: URL | undefined;
  /** Where the answer came from. */
  readonly url: URL;
  readonly address: string;
  /** The servers the stream has passed, when the far end says. */
  readonly via: readonly string[];
}

/** The far end said no, or something that makes no sense. */
export class Refused extends Error {
  override name = "Refused";
  readonly status: number;
  /** How long it asks us to wait. */
  readonly retryAfterMillis: Millis | undefined;

  constructor(message: string, status: number, retryAfterMillis?: Millis) {
    super(message);
    this.status = status;
    this.retryAfterMillis = retryAfterMillis;
  }
}

export interface OfferRequest {
  readonly url: URL;
  /** The token for the host of a URL; a redirect to another host gets that one's. */
  readonly token: (url: URL) => string | undefined;
  readonly via: readonly string[];
  /** Makes the offer, by our end of the connection. */
  readonly offer: (local: Endpoint) => string | Promise<string>;
  /** Milliseconds since the Unix epoch, for a Retry-After that is a date. */
  readonly wallClock: () => Millis;
}

/** @throws {RequestFailed | Refused} */
export async function postOffer(client: HttpClient, request: OfferRequest): Promise<Accepted> {
  let url = request.url;
  let offer: string | undefined;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const answer = await client.request({
      method: "POST",
      url,
      fields: [
        ["Content-Type", "application/sdp"],
        ["Accept", "application/sdp"],
        ["Monoport-Via", request.via.join(", ")],
        ...authorization(request.token(url)),
      ],
      body: async (local) => {
        offer ??= await request.offer(local);
        return offer;
      },
    });
    if (answer.status !== 307 && answer.status !== 308) {
      return accepted(answer, url, request.wallClock());
    }
    url = redirected(answer, url);
  }
  throw new RequestFailed(`${request.url.host} redirects for ever`);
}

/** Ends a session. The far end may be gone, and then it has ended. */
export async function deleteSession(
  client: HttpClient,
  session: URL,
  token: (url: URL) => string | undefined,
): Promise<void> {
  try {
    await client.request({ method: "DELETE", url: session, fields: authorization(token(session)) });
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
  }
}

function authorization(token: string | undefined): readonly (readonly [string, string])[] {
  return token === undefined ? [] : [["Authorization", `Bearer ${token}`]];
}

function redirected(answer: HttpAnswer, from: URL): URL {
  const location = answer.field("location") ?? "";
  const to = URL.canParse(location, from) ? parseTarget(new URL(location, from).href) : undefined;
  if (to === undefined) {
    throw new RequestFailed(`${from.host} redirects to ${plain(location) || "nowhere"}`);
  }
  // What was meant to be secret shall not go over the wire in clear because a server says so.
  if (from.protocol === "https:" && to.protocol !== "https:") {
    throw new RequestFailed(
      `${from.host} redirects from https to ${to.protocol}//${to.host}`,
      true,
    );
  }
  return to;
}

function accepted(answer: HttpAnswer, url: URL, wall: Millis): Accepted {
  if (answer.status !== 201 && answer.status !== 200) {
    // With a counter-offer of WHEP the reason is in its i= line.
    const reason = plain(/^i=(.*)$/m.exec(answer.body)?.[1] ?? answer.body);
    const message = `${url.host} refused (${answer.status})${reason === "" ? "" : `: ${reason}`}`;
    throw new Refused(message, answer.status, retryAfter(answer.field("retry-after"), wall));
  }
  const location = answer.field("location");
  const at =
    location !== undefined && URL.canParse(location, url) ? new URL(location, url) : undefined;
  return {
    sdp: answer.body,
    session: at && sessionOf(at, url),
    url,
    address: answer.address,
    via: parseVia(answer.field(VIA_FIELD)) ?? [],
  };
}

/** The session's URL. From https it stays https: a Location in http is a proxy's doing, and would show the token. */
function sessionOf(at: URL, from: URL): URL | undefined {
  const to = parseTarget(at.href);
  return from.protocol === "https:" && to?.protocol !== "https:" ? undefined : to;
}

/** Seconds or a date (RFC 9110 §10.2.3). */
function retryAfter(value: string | undefined, wall: Millis): Millis | undefined {
  if (value === undefined) return undefined;
  if (!/^(\d{1,9}|.* GMT)$/.test(value)) return undefined;
  const millis = value.endsWith("GMT") ? Date.parse(value) - wall : Number(value) * 1000;
  return millis >= 0 ? Math.min(millis, RETRY_AFTER_MAX_MILLIS) : undefined;
}

/** The first line of what a stranger wrote, fit for a log. */
function plain(text: string): string {
  const [line = ""] = text.trim().split(/[\r\n]/, 1);
  return line.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, REASON_MAX_CHARACTERS);
}
