/** A recording by the API, and its file as a viewer gets it. @module */
import type { ServerProcess } from "../../server_process.ts";
import { ffmpegSees } from "./ffmpeg_viewer.ts";
import type { Seen } from "./seen.ts";

const MILLIS = 20_000;

/** Begins one; resolves to its id. */
export async function startRecording({ url }: ServerProcess, stream: string): Promise<string> {
  const answer = await fetch(`${url}/api/v1/recordings`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ app: "live", stream, format: "mp4" }),
  });
  if (!answer.ok) throw new Error(`no recording: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { recording: { id: string } }).recording.id;
}

/** Ends it, and plays its file over HTTP. */
export async function recordingSeen(
  { url }: ServerProcess,
  stream: string,
  id: string,
  picture: boolean,
): Promise<Seen> {
  await fetch(`${url}/api/v1/recordings/${id}`, { method: "DELETE" });
  for (let i = 0; i < 100; i++) {
    const answer = await fetch(`${url}/api/v1/recordings/files?app=live&stream=${stream}`);
    const { recordings } = (await answer.json()) as { recordings: { url: string }[] };
    const [file] = recordings;
    if (file !== undefined) return await ffmpegSees(new URL(file.url, url).href, picture, MILLIS);
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`the recording of ${stream} was not finished`);
}
