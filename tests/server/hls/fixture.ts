/** HLS over HTTP, of streams that a test gives out by hand. @module */
import type { TestContext } from "node:test";
import type { Runtime } from "../../../core/base/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { Hls, type HlsOptions, type HlsSegment } from "../../../server/hls/mod.ts";
import { serverMetrics } from "../../../server/metrics.ts";
import { hlsRoutes } from "../../../server/routes/hls.ts";
import { Feed, nameOf } from "./feed.ts";

export interface Served {
  readonly feed: Feed;
  readonly hls: Hls;
  readonly segments: HlsSegment[];
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
}

export interface ServedOptions {
  readonly maxStreams?: number;
  readonly admitted?: boolean;
  readonly ts?: boolean;
  readonly now?: (() => number) | undefined;
  readonly wallClock?: () => number;
  readonly disposeMillis?: number;
  readonly files?: HlsOptions["files"];
  readonly published?: NonNullable<HlsOptions["published"]>;
}

export async function served(
  t: TestContext,
  {
    maxStreams = 2,
    admitted = true,
    ts = false,
    now,
    wallClock = () => 0,
    ...more
  }: ServedOptions = {},
): Promise<Served> {
  const real = await loadRuntime();
  const runtime: Pick<Runtime, "now" | "wakeAt" | "wallClock" | "crypto"> = {
    wallClock,
    now: now ?? (() => real.now()),
    // As far ahead as the test's clock says.
    wakeAt: (at, call) => real.wakeAt(at - runtime.now() + real.now(), call),
    crypto: real.crypto,
  };
  const feed = new Feed();
  const segments: HlsSegment[] = [];
  const hls = new Hls({
    runtime,
    frames: feed,
    fragmentMillis: 2000,
    windowMillis: 30_000,
    partMillis: 400,
    disposeMillis: 30_000,
    maxStreams,
    ts,
    ...more,
    onSegment: (segment) => segments.push(segment),
  });
  t.after(() => hls.close());
  const app = hlsRoutes({
    hls,
    admit: ({ token }) =>
      admitted || token === "key"
        ? { admitted: true }
        : { admitted: false, status: 401, reason: "no key" },
    metrics: serverMetrics(),
    now: runtime.now,
    peer: () => ({ address: "192.0.2.1" }) as never,
  });
  return { feed, hls, segments, get: async (path, init) => await app.request(path, init) };
}

/** A stream of which so much is there. */
export async function live(t: TestContext, millis: number): Promise<Served> {
  const one = await served(t);
  one.hls.open(nameOf("live/one"), "aac");
  one.feed.formats();
  one.feed.play(millis);
  return one;
}

export const MULTIVARIANT = "/live/one.m3u8";
export const PATH = "/live/one/media.m3u8";
