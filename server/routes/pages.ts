/** The pages, out of the module graph: no file is read, so no permission is needed. @module */
import { Hono } from "hono";
import { isBadStreamName, parseStreamName } from "../../core/stream/mod.ts";

/** A file of `web/`, built. */
export interface Asset {
  /** Content-Type. */
  readonly type: string;
  /** Strong validator, with its quotes. */
  readonly etag: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** A file of a package's, packed. */
export interface PackedAsset {
  readonly type: string;
  /** Of what is inside. */
  readonly etag: string;
  /** In base64, with line ends. */
  readonly gzip: string;
}

/** Pages load nothing from elsewhere, but may publish to and play from another server. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors *",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** Where a click deletes something: no page of another site may lay itself over it. */
const CONTROLS = "/recordings.html";

/** Where people watch: the stream is named by the path, the page is one. */
const WATCH_PATH = "/watch/:app/:stream";
const WATCHED = /^\/watch\/[^/]+\/[^/]+$/;

export function pageRoutes(
  assets: Readonly<Record<string, Asset>>,
  packed: Readonly<Record<string, PackedAsset>> = {},
): Hono {
  const app = new Hono();
  const unpacked = new Map<string, Uint8Array<ArrayBuffer>>();
  const gzipOf = (path: string, { gzip }: PackedAsset): Uint8Array<ArrayBuffer> => {
    const bytes = unpacked.get(path) ?? Uint8Array.from(atob(gzip), (one) => one.charCodeAt(0));
    unpacked.set(path, bytes);
    return bytes;
  };
  app.get("*", async (c, next) => {
    const { path } = c.req;
    const asset = Object.hasOwn(packed, path) ? packed[path] : undefined;
    if (asset === undefined) return await next();
    const accepted = acceptsGzip(c.req.header("accept-encoding") ?? "");
    const headers = {
      ...SECURITY_HEADERS,
      "content-type": asset.type,
      // Another representation has another strong validator (RFC 9110 §8.8.3.3).
      etag: accepted ? asset.etag.replace(/"$/, '-gzip"') : asset.etag,
      vary: "Accept-Encoding",
      "cache-control": "no-cache",
    };
    if (c.req.header("if-none-match") === headers.etag) return c.body(null, 304, headers);
    const bytes = gzipOf(path, asset);
    if (accepted) return c.body(bytes, 200, { ...headers, "content-encoding": "gzip" });
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return c.body(await new Response(plain).arrayBuffer(), 200, headers);
  });
  app.get(WATCH_PATH, async (c, next) => {
    const name = parseStreamName(c.req.param("app"), c.req.param("stream"));
    return isBadStreamName(name) ? c.text(`Not Found: ${name.message}\n`, 404) : await next();
  });
  app.get("*", async (c, next) => {
    const path = WATCHED.test(c.req.path) ? "/players/watch.html" : c.req.path;
    const asset =
      own(assets, path) ??
      own(assets, `${path.replace(/\/$/, "")}/index.html`) ??
      own(assets, `${path}.html`);
    if (asset === undefined) return await next();
    const policy = SECURITY_HEADERS["content-security-policy"] ?? "";
    const headers = {
      ...SECURITY_HEADERS,
      ...(asset === assets[CONTROLS]
        ? { "content-security-policy": policy.replace("ancestors *", "ancestors 'self'") }
        : {}),
      "content-type": asset.type,
      etag: asset.etag,
      "cache-control": "no-cache",
    };
    if (c.req.header("if-none-match") === asset.etag) return c.body(null, 304, headers);
    return c.body(asset.body, 200, headers);
  });
  return app;
}

/** RFC 9110 §12.5.3, as far as gzip goes: named, and not with q=0. */
function acceptsGzip(header: string): boolean {
  return header.split(",").some((one) => {
    const [coding = "", ...parameters] = one.split(";").map((part) => part.trim().toLowerCase());
    const refused = parameters.some((part) => /^q=0(\.0*)?$/.test(part));
    return (coding === "gzip" || coding === "*") && !refused;
  });
}

function own(assets: Readonly<Record<string, Asset>>, path: string): Asset | undefined {
  return Object.hasOwn(assets, path) ? assets[path] : undefined;
}
