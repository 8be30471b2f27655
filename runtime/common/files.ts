import { randomUUID } from "node:crypto";
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  writeFile,
} from "node:fs/promises";
import type { Files, FolderEntry, OpenFile, OpenMode } from "../../core/base/io.ts";
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
  async open(path: string, how: OpenMode): Promise<OpenFile> {
    return new OpenHandle(await open(path, FLAGS[how]));
  },
  async list(path: string): Promise<FolderEntry[]> {
    const found = await readdir(path, { withFileTypes: true });
    return found.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  async kindOf(path: string): Promise<FolderEntry["kind"] | undefined> {
    try {
      return kindOf(await lstat(path));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  },
  async removeDir(path: string): Promise<void> {
    await rmdir(path);
  },
  async rename(from: string, to: string): Promise<void> {
    await rename(from, to);
  },
  async freeBytes(path: string): Promise<number | undefined> {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      if (codeOf(error) === "ENOENT") throw error;
      return undefined;
    }
  },
};

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): FolderEntry["kind"] {
  return entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other";
}

const FLAGS: Readonly<Record<OpenMode, string>> = { read: "r", create: "wx+", update: "r+" };

class OpenHandle implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled === length ? bytes : bytes.slice(0, filled);
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    // A full disk may take a part and refuse the rest only when it is asked again.
    let done = 0;
    while (done < bytes.length) {
      const left = bytes.length - done;
      const { bytesWritten } = await this.#handle.write(bytes, done, left, at + done);
      done += bytesWritten;
    }
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
