import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repository } from "../tools.ts";

/** `refuse(400, "no-fingerprint", ...)` and its kin. */
const REFUSAL = /(?:refuse|refuseLine|new Refusal)\(\s*(4\d\d),\s*"([a-z0-9-]+)"/g;

test("docs/protocols/webrtc.md lists every refusal of an offer, with its status, and no other", () => {
  const folder = join(repository, "core", "session", "webrtc", "negotiation");
  const made = globSync("*.ts", { cwd: folder }).flatMap((file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(REFUSAL)].map(
      ([, status, code]) => `${status} ${code}`,
    ),
  );
  const docs = readFileSync(join(repository, "docs", "protocols", "webrtc.md"), "utf8");
  const rows = [...docs.matchAll(/^\| (4\d\d) \| `([a-z0-9-]+)` \|/gm)];
  const listed = rows.map(([, status, code]) => `${status} ${code}`);
  assert.ok(made.length > 10);
  assert.deepEqual(listed.toSorted(), [...new Set(made)].toSorted());
});
