import { realpathSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

/** Whether the module is the program that was started; Node 20 has no `import.meta.main`. */
export function isMain(meta: { readonly url: string; readonly main?: boolean }): boolean {
  if (meta.main !== undefined) return meta.main;
  const [, started] = argv;
  if (started === undefined) return false;
  try {
    return realpathSync(started) === fileURLToPath(meta.url);
  } catch {
    return false;
  }
}
