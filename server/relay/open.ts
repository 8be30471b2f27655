/** Pushes and pulls as configured. @module */
import { MonoportError } from "../../core/base/mod.ts";
import type { RtcServer } from "../rtc/mod.ts";
import { words } from "./http_answer.ts";
import { Relays } from "./relays.ts";

/**
 * Not begun yet: `start` does that when the server listens.
 *
 * @throws {MonoportError} `config-invalid` when `relay.ca` cannot be used.
 */
export async function openRelays(rtc: RtcServer): Promise<Relays> {
  const { runtime, config } = rtc.context;
  const path = config["relay.ca"];
  const relays = new Relays({
    rtc: rtc.context,
    ca: path === "" ? undefined : await readAuthorities(path, (at) => runtime.files.read(at)),
  });
  rtc.context.metrics.gauge("monoport_relays", "Pushes and pulls that are connected", () =>
    relays.facts().reduce((count, { state }) => count + (state === "connected" ? 1 : 0), 0),
  );
  rtc.observers.push((event) => relays.handleHubEvent(event));
  return relays;
}

async function readAuthorities(
  path: string,
  read: (path: string) => Promise<Uint8Array>,
): Promise<string> {
  let text = "";
  try {
    text = new TextDecoder().decode(await read(path));
  } catch (error) {
    throw new MonoportError("config-invalid", `relay.ca: cannot read ${path}: ${words(error)}`);
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw new MonoportError("config-invalid", `relay.ca: ${path} holds no certificate in PEM`);
  }
  return text;
}
