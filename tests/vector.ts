import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./tools.ts";

/**
 * The bytes of tests/vectors/NAME.hex: `#` comments, the first of which names the source, then hex.
 */
export function vector(name: string): Uint8Array {
  const text = readFileSync(join(repository, "tests", "vectors", `${name}.hex`), "utf8");
  const hex = text.replaceAll(/#.*$/gm, "").replaceAll(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new Error(`tests/vectors/${name}.hex is not hex`);
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
