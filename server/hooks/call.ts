/** One call of a hook, and what it answers. @module */
import * as v from "valibot";
import { causeOf, readAnswer } from "../fetched.ts";
import type { Fetch } from "../tls/mod.ts";
import { SERVER_NAME } from "../version.ts";

/** Bytes of an answer. */
export const ANSWER_MAX_BYTES: number = 16 * 1024;

/** What a hook may ask a stream to be recorded as. */
export type RecordFormat = "mp4" | "flv";

export type HookAnswer =
  | { readonly accepted: true; readonly record: RecordFormat | undefined }
  /** `why` is for the log. */
  | { readonly accepted: false; readonly why: string };

/** There is no answer that says yes or no; the message is for the log. */
export class HookFailed extends Error {}

/**
 * Posts `body`, and reads the answer: 200 or 201 with `0` or `{"code": 0}` is a yes, another code or a
 * status of 4xx a no. A recording is asked for by `{"code": 0, "data": {"record": "mp4"}}`.
 *
 * @throws {HookFailed}
 */
export async function callHook(
  fetch: Fetch,
  url: string,
  body: string,
  signal: AbortSignal,
): Promise<HookAnswer> {
  const answer = await request(fetch, url, body, signal);
  const { status } = answer;
  if (status >= 400 && status < 500) return { accepted: false, why: `it answered ${status}` };
  if (status !== 200 && status !== 201) throw new HookFailed(`it answered ${status}`);
  const { success, output } = v.safeParse(answers, parseJson(answer.text.trim()));
  if (!success) throw new HookFailed('its answer is neither 0 nor JSON like {"code": 0}');
  const { code, data } = typeof output === "number" ? { code: output } : output;
  if (code !== 0) return { accepted: false, why: `it answered code ${code}` };
  const { success: asks, output: wish } = v.safeParse(recordWish, data);
  return { accepted: true, record: asks ? wish.record : undefined };
}

const answers = v.union([v.number(), v.object({ code: v.number(), data: v.unknown() })]);
const recordWish = v.object({ record: v.picklist(["mp4", "flv"]) });

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // `data` may be left out.
    return typeof value === "object" && value !== null ? { data: undefined, ...value } : value;
  } catch {
    return undefined;
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function request(
  fetch: Fetch,
  url: string,
  body: string,
  signal: AbortSignal,
): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": SERVER_NAME },
        body,
        redirect: "manual",
        signal,
      });
      return { status: response.status, text: await readText(response) };
    } catch (error) {
      if (error instanceof HookFailed) throw error;
      if (signal.aborted) throw new HookFailed("it did not answer in time");
      // A connection that was kept may have been closed just now.
      if (tries === 2) throw new HookFailed(`it cannot be reached: ${causeOf(error)}`);
    }
  }
}

async function readText(response: Response): Promise<string> {
  const text = await readAnswer(response, ANSWER_MAX_BYTES);
  if (text === undefined)
    throw new HookFailed(`its answer is longer than ${ANSWER_MAX_BYTES} bytes`);
  return text;
}
