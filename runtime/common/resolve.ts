import { lookup } from "node:dns/promises";
import { plainHost } from "./endpoint.ts";

export async function resolve(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true });
  return [...new Set(found.map(({ address }) => plainHost(address)))];
}
