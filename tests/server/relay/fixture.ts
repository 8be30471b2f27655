/** Servers that push to and pull from each other, in the test's own process. @module */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { freePort } from "../../free_port.ts";
import { type Running, start } from "../fixture.ts";
import { Camera, Screen } from "../rtc/camera.ts";
import { type Place, play, publish } from "../rtc/client.ts";

/** A relay, as the API tells it. */
export interface RelayJson {
  readonly id: string;
  readonly kind: "push" | "pull";
  readonly stream: string;
  readonly url: string;
  readonly state: "idle" | "connecting" | "connected" | "waiting";
  readonly attempts: number;
  readonly error: string;
  readonly retry_ms: number;
  readonly kbps: number;
  readonly transport: string;
  readonly source: string;
}

/** Listens on a loopback address; TCP alone unless said. */
export async function server(t: TestContext, ...args: string[]): Promise<Running> {
  const running = await start(["--rtc_server.protocol", "tcp", ...args]);
  t.after(() => running.monoport.close());
  return running;
}

export function port(): Promise<number> {
  return freePort("127.0.0.1");
}

export async function relays({ url }: { readonly url: string }): Promise<readonly RelayJson[]> {
  const answer = await fetch(`${url}/api/v1/relays`);
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { relays: readonly RelayJson[] }).relays;
}

export async function onlyRelay(place: { readonly url: string }): Promise<RelayJson> {
  const [first, ...more] = await relays(place);
  assert.ok(first && more.length === 0);
  return first;
}

/** A camera publishes `live/STREAM`, 30 frames a second. */
export async function film(t: TestContext, place: Place, stream: string): Promise<Camera> {
  const client = await publish(place, { stream });
  t.after(() => client.close());
  await client.connect();
  const camera = new Camera(client);
  t.after(() => camera.stop());
  camera.run(3);
  return camera;
}

export async function watch(t: TestContext, place: Place, stream: string): Promise<Screen> {
  const client = await play(place, { stream });
  t.after(() => client.close());
  const screen = new Screen(client);
  await client.connect();
  return screen;
}
