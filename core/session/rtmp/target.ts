import type { RtmpTarget } from "./event.ts";

/**
 * Application and stream as clients write them: `rtmp://host/live/livestream?token=x` is sent as app
 * `live` with stream `livestream?token=x`; some put the parameters behind the application, or split
 * `live/livestream` elsewhere, so that the application is `live/livestream` and the stream empty.
 */
export function targetOf(app: string, stream: string, tcUrl: string): RtmpTarget {
  const [appPath = "", appQuery = ""] = cut(app, "?");
  const [streamPath = "", streamQuery = ""] = cut(stream, "?");
  const path = [...appPath.split("/"), ...streamPath.split("/")].filter((part) => part !== "");
  const last = path.length > 1 ? (path.pop() ?? "") : "";
  return {
    app: path.join("/"),
    stream: last,
    query: streamQuery || appQuery,
    tcUrl,
  };
}

function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
