/**
 * Offer and answer by WHIP (RFC 9725) and WHEP: one POST, a PATCH where ICE restarts, and a DELETE at
 * the end.
 *
 * @module
 */

/** The server said no; `message` is what it said. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The server did not answer at all. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

export interface Answer {
  readonly sdp: string;
  /** The session, to be deleted at the end. */
  readonly session: URL | undefined;
}

const answerMillis = 15_000;

export async function postOffer(url: URL, sdp: string, token: string): Promise<Answer> {
  const response = await send(url, {
    method: "POST",
    headers: { "content-type": "application/sdp", ...authorization(token) },
    body: sdp,
    signal: AbortSignal.timeout(answerMillis),
  });
  const text = await response.text();
  const where = response.headers.get("location");
  // Behind a redirect the answer, and so the session, is another server's.
  const base = response.url === "" ? url : response.url;
  const session = where === null ? undefined : new URL(where, base);
  if (response.status === 201) return { sdp: text, session };
  // An offer of the server's in place of ours; what it says of the reason is all we take from it.
  const reason = /^v=0\r\n[\s\S]*?^i=(.*)\r$/m.exec(text)?.[1];
  if (reason !== undefined) deleteSession(session, token);
  throw new RefusedError(response.status, reason ?? (text.trim() || response.statusText));
}

/** Restarts ICE: sends our new side as an SDP fragment, and returns the server's. */
export async function patchIce(session: URL, fragment: string, token: string): Promise<string> {
  const response = await send(session, {
    method: "PATCH",
    headers: {
      "content-type": "application/trickle-ice-sdpfrag",
      "if-match": "*",
      ...authorization(token),
    },
    body: fragment,
    signal: AbortSignal.timeout(answerMillis),
  });
  const text = await response.text();
  if (response.status === 200) return text;
  throw new RefusedError(response.status, text.trim() || response.statusText);
}

/** Ends the session, even while the page goes away. */
export function deleteSession(session: URL | undefined, token: string): void {
  if (session === undefined) return;
  const options = { method: "DELETE", keepalive: true, headers: authorization(token) };
  // Nobody is left to hear of a failure; the server ends silent sessions by itself.
  fetch(session, options).catch(() => {});
}

async function send(url: URL, options: RequestInit): Promise<Response> {
  try {
    return await fetch(url, options);
  } catch (cause) {
    const late = cause instanceof DOMException && cause.name === "TimeoutError";
    throw new UnreachableError(
      late
        ? `${url.host} did not answer within ${answerMillis / 1000} s.`
        : `${url.host} cannot be reached: the server is off, the port is closed on the way, or its certificate is not trusted by this browser.`,
      { cause },
    );
  }
}

function authorization(token: string): Record<string, string> {
  return token === "" ? {} : { authorization: `Bearer ${token}` };
}
