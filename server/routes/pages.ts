/** The pages, out of the module graph: no file is read, so no permission is needed. @module */
import { Hono } from "hono";

/** A file of `web/`, built. */
export interface Asset {
  /** Content-Type. */
  readonly type: string;
  /** Strong validator, with its quotes. */
  readonly etag: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** Pages load nothing from elsewhere, but may publish to and play from another server. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors *",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

export function pageRoutes(assets: Readonly<Record<string, Asset>>): Hono {
  const app = new Hono();
  app.get("*", async (c, next) => {
    const path = c.req.path;
    const asset =
      own(assets, path) ??
      own(assets, `${path.replace(/\/$/, "")}/index.html`) ??
      own(assets, `${path}.html`);
    if (asset === undefined) return await next();
    const headers = {
      ...SECURITY_HEADERS,
      "content-type": asset.type,
      etag: asset.etag,
      "cache-control": "no-cache",
    };
    if (c.req.header("if-none-match") === asset.etag) return c.body(null, 304, headers);
    return c.body(asset.body, 200, headers);
  });
  return app;
}

function own(assets: Readonly<Record<string, Asset>>, path: string): Asset | undefined {
  return Object.hasOwn(assets, path) ? assets[path] : undefined;
}
