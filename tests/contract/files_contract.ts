import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { OpenMode, Runtime } from "../../core/base/io.ts";
import { digest, pattern, text } from "./peer.ts";

export function filesContract(name: string, { files }: Runtime): void {
  describe(`${name}: open files and folders`, () => {
    let folder = "";
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "monoport-open-"));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    test("a new file is written and read at any place, cut off and filled up", async () => {
      const path = join(folder, "new.bin");
      const file = await files.open(path, "create");
      const bytes = pattern(300_000);
      await file.write(bytes.subarray(0, 200_000), 0);
      await file.write(bytes.subarray(200_000), 200_000);
      await file.write(text("middle"), 100);
      assert.equal(await file.size(), 300_000);
      assert.equal(new TextDecoder().decode(await file.read(100, 6)), "middle");
      assert.equal((await file.read(299_990, 100)).length, 10);
      assert.equal((await file.read(300_000, 5)).length, 0);
      assert.equal((await file.read(0, 0)).length, 0);
      await file.truncate(103);
      await file.truncate(105);
      await file.sync();
      await file.close();
      const expected = [...bytes.subarray(0, 100), ...text("mid"), 0, 0];
      assert.deepEqual([...readFileSync(path)], expected);
    });

    test("bytes that are a view of a larger buffer are written alone", async () => {
      const file = await files.open(join(folder, "view.bin"), "create");
      await file.write(pattern(1000).subarray(500, 600), 0);
      assert.equal(await file.size(), 100);
      assert.equal(digest(await file.read(0, 100)), digest(pattern(1000).subarray(500, 600)));
      await file.close();
    });

    test("create wants no file of the name, update and read want one", async () => {
      const path = join(folder, "modes.bin");
      const codeOf = async (how: OpenMode): Promise<string> => {
        const opened = await files.open(path, how).catch((error: { code: string }) => error.code);
        if (typeof opened === "string") return opened;
        await opened.close();
        return "opened";
      };
      assert.equal(await codeOf("read"), "ENOENT");
      assert.equal(await codeOf("update"), "ENOENT");
      assert.equal(await codeOf("create"), "opened");
      assert.equal(await codeOf("create"), "EEXIST");
      await files.write(path, text("kept"));
      const file = await files.open(path, "update");
      await file.write(text("l"), 0);
      await file.close();
      assert.equal(readFileSync(path, "utf8"), "lept");
      const read = await files.open(path, "read");
      await assert.rejects(read.write(text("x"), 0));
      await read.close();
    });

    test("a full disk is ENOSPC, and what does not become a file is told by its code", async () => {
      const full = await files.open("/dev/full", "update");
      await assert.rejects(full.write(text("x"), 0), { code: "ENOSPC" });
      await full.close();
      await assert.rejects(files.open(join(folder, "none", "a"), "create"), { code: "ENOENT" });
      await assert.rejects(files.open(folder, "update"), { code: "EISDIR" });
    });

    test("a folder tells files, folders and what is neither", async () => {
      const inner = join(folder, "listed");
      mkdirSync(join(inner, "deeper"), { recursive: true });
      await files.write(join(inner, "a"), text("x"));
      symlinkSync("/etc/passwd", join(inner, "link"));
      const found = (await files.list(inner)).map(({ name, kind }) => `${name} ${kind}`).sort();
      assert.deepEqual(found, ["a file", "deeper folder", "link other"]);
      await assert.rejects(files.list(join(folder, "none")), { code: "ENOENT" });
      await assert.rejects(files.list(join(inner, "a")), { code: "ENOTDIR" });
    });

    test("what stands at a path is told, and an empty folder alone is removed as one", async () => {
      const inner = join(folder, "kinds");
      mkdirSync(join(inner, "empty"), { recursive: true });
      await files.write(join(inner, "a"), text("x"));
      symlinkSync(join(inner, "empty"), join(inner, "link"));
      const kinds = ["", "a", "empty", "link", "none"].map((one) => files.kindOf(join(inner, one)));
      assert.deepEqual(await Promise.all(kinds), ["folder", "file", "folder", "other", undefined]);
      await assert.rejects(files.removeDir(inner), { code: "ENOTEMPTY" });
      await assert.rejects(files.removeDir(join(inner, "a")), { code: "ENOTDIR" });
      await assert.rejects(files.removeDir(join(inner, "link")), { code: "ENOTDIR" });
      await files.removeDir(join(inner, "empty"));
      await assert.rejects(files.removeDir(join(inner, "empty")), { code: "ENOENT" });
      assert.deepEqual(readdirSync(inner).sort(), ["a", "link"]);
    });

    test("rename replaces what had the name", async () => {
      const [from, to] = [join(folder, "from"), join(folder, "to")];
      await files.write(from, text("new"));
      await files.write(to, text("old"));
      await files.rename(from, to);
      assert.equal(readFileSync(to, "utf8"), "new");
      assert.ok(!readdirSync(folder).includes("from"));
      await assert.rejects(files.rename(from, to), { code: "ENOENT" });
    });

    test("the volume of a path has so many bytes left", async () => {
      assert.ok(((await files.freeBytes(folder)) ?? 0) > 1_000_000);
      await assert.rejects(files.freeBytes(join(folder, "none")), { code: "ENOENT" });
    });
  });
}
