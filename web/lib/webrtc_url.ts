/**
 * SRS's name for a stream by WebRTC: `webrtc://HOST[:PORT]/APP/STREAM`. The port is that of the
 * API; the page's scheme, or the query `schema`, says whether it is asked by HTTP or HTTPS.
 *
 * @module
 */
import type { Settings } from "./settings.ts";

export interface Named {
  readonly origin: string;
  readonly app: string;
  readonly stream: string;
}

export function webrtcUrl({ origin, app, stream }: Named | Settings): string {
  return `webrtc://${new URL(origin).host}/${app}/${stream}`;
}

/** `undefined` when it is no such URL. Without a port, it is that of the page for the page's own host. */
export function readWebrtcUrl(text: string, page: URL): Named | undefined {
  const match =
    /^webrtc:\/\/(\[[0-9a-f:]+\]|[^/:?#[\]\s]+)(:\d{1,5})?\/([^/?#]+)\/([^/?#]+)$/i.exec(
      text.trim(),
    );
  const [, host = "", port = "", app = "", stream = ""] = match ?? [];
  if (![app, stream].every((name) => STREAM_NAME.test(name))) return undefined;
  const scheme = (page.searchParams.get("schema") || page.protocol).replace(/:$/, "");
  const own = host.toLowerCase() === page.hostname && page.port !== "" ? `:${page.port}` : "";
  try {
    return { origin: new URL(`${scheme}://${host}${port || own}`).origin, app, stream };
  } catch {
    return undefined;
  }
}

/** As the server takes them. */
const STREAM_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
