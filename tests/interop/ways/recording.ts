/** A recording by the API, and its file as a viewer gets it. @module */
import type { ServerProcess } from "../../server_process.ts";
import { ffmpegSees } from "./ffmpeg_viewer.ts";
import type { Seen } from "./seen.ts";

const MILLIS = 20_000;

/** Begins one, as soon as the stream is live; resolves to its id. */
export async function startRecording({ url }: ServerProcess, stream: string): Promise<string> {
  const ask = (): Promise<Response> =>
    fetch(`${url}/api/v1/recordings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ app: "live", stream, format: "mp4" }),
    });
  let answer = await ask();
  for (let i = 0; i < 200 && answer.status === 404; i++) {
    await answer.body?.cancel();
    await new Promise((wake) => setTimeout(wake, 100));
    answer = await ask();
  }
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
  for (let i = 0; i < 600; i++) {
    const answer = await fetch(`${url}/api/v1/recordings/files?app=live&stream=${stream}`);
    const { recordings } = (await answer.json()) as { recordings: { url: string }[] };
    const [file] = recordings;
    if (file !== undefined) return await ffmpegSees(new URL(file.url, url).href, picture, MILLIS);
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`the recording of ${stream} was not finished`);
}
