/** The reads of the server's API that the pages use (SRS's shapes). @module */
import type { Settings } from "./settings.ts";

/** What servers other than ours do not tell is absent. */
export interface LiveStream {
  readonly id?: string;
  readonly app: string;
  readonly name: string;
  readonly clients: number;
  readonly live_ms: number;
  readonly kbps: { readonly recv_30s: number };
  readonly publish: {
    readonly active: boolean;
    readonly by?: string;
    readonly transport?: string;
  };
  readonly video: {
    readonly codec: string;
    readonly width: number;
    readonly height: number;
    readonly profile?: string;
    readonly level?: string;
    readonly fps?: number;
    readonly gop?: { readonly ms: number; readonly frames: number } | null;
    readonly b_frames?: boolean;
    readonly layers?: readonly { readonly height: number; readonly active: boolean }[];
  } | null;
  readonly audio: {
    readonly codec: string;
    readonly profile?: string;
    readonly sample_rate?: number;
    readonly channel?: number;
    readonly kbps?: number;
  } | null;
  /** By way out, as `hls` or `whep_udp`. */
  readonly viewers?: Readonly<Record<string, number>>;
  readonly warnings?: readonly string[];
}

/** Streams the server knows, also those that only wait; `undefined` when it does not say. */
export async function readStreams(settings: Settings): Promise<LiveStream[] | undefined> {
  const body = await read<{ readonly streams?: LiveStream[] }>(
    settings,
    "/api/v1/streams/?count=1000",
  );
  return body?.streams;
}

export async function readVersion(settings: Settings): Promise<string> {
  const body = await read<{ readonly data?: { readonly version?: string } }>(
    settings,
    "/api/v1/versions",
  );
  return body?.data?.version ?? "";
}

/** What keeps a viewer's session from playing, as the server sees it; empty for nothing known. */
export async function readTrouble(settings: Settings, session: URL | undefined): Promise<string> {
  const id = session?.searchParams.get("session") ?? "";
  if (id === "") return "";
  const body = await read<{ readonly client?: { readonly trouble?: string } }>(
    settings,
    `/api/v1/clients/${encodeURIComponent(id)}`,
  );
  return body?.client?.trouble ?? "";
}

async function read<T>(settings: Settings, path: string): Promise<T | undefined> {
  try {
    const url = new URL(path, settings.origin);
    const headers = settings.token === "" ? {} : { authorization: `Bearer ${settings.token}` };
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000), headers });
    return response.ok ? ((await response.json()) as T) : undefined;
  } catch {
    return undefined;
  }
}
