import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFileError } from "../../server/file_error.ts";

const failure = (code: string): Error => Object.assign(new Error(`${code}: x`), { code });

test("a failed file operation is told in words, with the system's code", () => {
  const told = (code: string): string => describeFileError(failure(code), "--allow-read");
  assert.equal(told("ENOENT"), "it is not there");
  assert.equal(told("EACCES"), "this user is not allowed to (EACCES)");
  assert.equal(told("ENOTDIR"), "a part of the path is a file (ENOTDIR)");
  assert.equal(told("ENOSPC"), "the disk is full (ENOSPC)");
  assert.equal(told("EIO"), "EIO: x");
  const own = Object.assign(new Error("20 MiB are free"), { code: "ENOSPC" });
  assert.equal(describeFileError(own, ""), "20 MiB are free");
});

test("what Deno refuses names the flag that lifts it", () => {
  const refused = new Error('Requires read access to "/etc/x", run again with --allow-read');
  assert.equal(
    describeFileError(refused, "--allow-read=/etc/x"),
    "Deno may not; give it --allow-read=/etc/x",
  );
});
