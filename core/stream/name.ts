/** Names of streams: the one rule for every way in, and for the files made from them. @module */
import { Fault } from "../base/mod.ts";

/** What an app or stream name may be at most, in characters. */
export const NAME_MAX_CHARACTERS = 128;

/** Why a name was refused. */
export const STREAM_NAME: Fault = new Fault("stream", "name", "Monoport: app and stream names");

/** A checked name. */
export interface StreamName {
  readonly app: string;
  readonly stream: string;
  /** `app/stream`: the hub's key. */
  readonly key: string;
}

/** A refused name; `message` names the value and the rule, for the answer to the peer. */
export interface BadStreamName {
  readonly fault: Fault;
  readonly message: string;
}

/** `app` and `stream` are 1 to 128 of `[A-Za-z0-9._-]` without a leading dot. */
export function parseStreamName(app: string, stream: string): StreamName | BadStreamName {
  if (!isName(app)) return refuse("app", app);
  if (!isName(stream)) return refuse("stream", stream);
  return { app, stream, key: `${app}/${stream}` };
}

export function isBadStreamName(value: StreamName | BadStreamName): value is BadStreamName {
  return "fault" in value;
}

function isName(text: string): boolean {
  if (text.length === 0 || text.length > NAME_MAX_CHARACTERS || text.startsWith(".")) return false;
  for (let i = 0; i < text.length; i++) if (!isNameCharacter(text.charCodeAt(i))) return false;
  return true;
}

function isNameCharacter(code: number): boolean {
  const letter = code | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a && code < 0x80) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f
  );
}

function refuse(what: string, value: string): BadStreamName {
  const shown = JSON.stringify(value.slice(0, NAME_MAX_CHARACTERS + 1));
  const rule = `1 to ${NAME_MAX_CHARACTERS} of [A-Za-z0-9._-] without a leading dot`;
  return { fault: STREAM_NAME, message: `${what} ${shown} is not ${rule}` };
}
