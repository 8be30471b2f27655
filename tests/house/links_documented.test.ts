import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { repository } from "../tools.ts";

const pages = globSync(["*.md", "docs/**/*.md", "codecs/*.md"], { cwd: repository });

/** A page without its blocks of code. */
const textOf = (page: string): string =>
  readFileSync(join(repository, page), "utf8").replaceAll(/^```.*?^```/gms, "");

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

/** The relative links of a text that lead nowhere. */
function deadLinks(page: string, text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(repository, target))) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
}

test("every link between the pages of the documentation leads to a file and a heading", () => {
  assert.ok(pages.length > 10);
  for (const page of pages) assert.deepEqual(deadLinks(page, textOf(page)), [], page);
});

test("a link to no file or to no heading is found", () => {
  const text = "[a](none.md) [b](#none) [c](CHANGELOG.md#changelog) [d](https://example.org/)";
  assert.deepEqual(deadLinks("README.md", text), ["none.md", "#none"]);
});

test("docs/protocols.md leads to every page of docs/protocols", () => {
  const index = textOf("docs/protocols.md");
  for (const page of globSync("*.md", { cwd: join(repository, "docs", "protocols") })) {
    assert.ok(index.includes(`(protocols/${page})`), page);
  }
});

test("docs/architecture.md has every folder of the sources", () => {
  const layout = /^```\n(.*?)^```/ms.exec(
    readFileSync(join(repository, "docs/architecture.md"), "utf8"),
  )?.[1];
  assert.ok(layout !== undefined);
  const folders = globSync(["core/*/", "runtime/", "server/*/", "web/", "codecs/", "scripts/"], {
    cwd: repository,
  });
  assert.ok(folders.length > 20);
  for (const folder of folders) {
    const name = folder
      .split("/")
      .filter((part) => part !== "")
      .at(-1);
    assert.match(layout, new RegExp(`(^| )${name}/`, "m"), folder);
  }
});
