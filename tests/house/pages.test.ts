import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assets, demoClipBase64, packedAssets } from "../../server/assets.gen.ts";
import { repository } from "../tools.ts";

const text = (path: string): string => {
  const body = assets[path]?.body;
  assert.equal(typeof body, "string", `no page ${path}`);
  return String(body);
};

const html = Object.keys(assets).filter((path) => path.endsWith(".html"));

test("pages keep to a strict policy: no script or style in them, nothing from elsewhere", () => {
  assert.equal(html.length, 9);
  for (const path of html) {
    const page = text(path);
    assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:/i, path);
    assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)/i, path);
    assert.doesNotMatch(page, /(?:src|href)="(?:https?:)?\/\//i, path);
  }
});

test("whatever a page names is there", () => {
  for (const page of html) {
    for (const [, name = ""] of text(page).matchAll(/(?:src|href)="([^"]*)"/g)) {
      const { pathname } = new URL(name, `http://host${page}`);
      const path = pathname.replace(/\/$/, "/index.html");
      const there =
        Object.hasOwn(assets, path) ||
        Object.hasOwn(packedAssets, path) ||
        Object.hasOwn(assets, `${path}.html`);
      assert.ok(there, `${page} names ${name}`);
    }
  }
});

test("an etag is the hash of what is served", () => {
  for (const [path, { etag, body }] of Object.entries(assets)) {
    const hash = createHash("sha256").update(body).digest("hex").slice(0, 16);
    assert.equal(etag, `"${hash}"`, path);
  }
});

test("the embedded clip is the one in web/demo", () => {
  const clip = readFileSync(join(repository, "web/demo/clip.bin"));
  assert.ok(Buffer.from(demoClipBase64, "base64").equals(clip));
});
