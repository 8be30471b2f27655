import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { Files } from "../../core/base/io.ts";
import { codeOf } from "./endpoint.ts";

export const files: Files = {
  async read(path: string): Promise<Uint8Array> {
    const b = await readFile(path);
    return new Uint8Array(b.buffer, b.byteOffset, b.length);
  },
  async write(path: string, bytes: Uint8Array, mode: number = 0o644): Promise<void> {
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await writeFile(temporary, bytes, { mode, flag: "wx" });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  },
  async makeDir(path: string): Promise<void> {
    await mkdir(path, { recursive: true });
  },
  async remove(path: string): Promise<void> {
    await rm(path);
  },
  async stat(path: string): Promise<{ size: number; modified: number } | undefined> {
    try {
      const { size, mtimeMs } = await stat(path);
      return { size, modified: mtimeMs };
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  },
};
