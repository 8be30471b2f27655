/** The log: one line per event, on standard error, with fields a machine can read. @module */

export type Level = "debug" | "info" | "warn" | "error";

/** Values that follow the message as `name=value`. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

const RANK: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** Longest line; what peers send ends up in fields. */
const LINE_MAX = 2000;
const LIMIT_MILLIS = 10_000;
/** Lines of one event in that time. */
const EVENTS_MAX = 50;

export interface LogSink {
  wallClock(): number;
  print(line: string, to?: "out" | "error"): void;
}

export class Log {
  readonly #sink: LogSink;
  readonly #least: number;
  /** By message: until when lines are counted, how many were written and how many left out. */
  readonly #quiet = new Map<string, { until: number; written: number; left: number }>();

  constructor(sink: LogSink, least: Level) {
    this.#sink = sink;
    this.#least = RANK[least];
  }

  debug(message: string, fields?: Fields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: Fields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#write("error", message, fields);
  }

  /**
   * At most `burst` lines per message and 10 s, of which the next says how many were left out: for
   * what peers can cause at will.
   */
  limited(level: Level, message: string, fields?: Fields, burst = 1): void {
    const now = this.#sink.wallClock();
    const last = this.#quiet.get(message);
    if (last !== undefined && now < last.until) {
      if (last.written < burst) {
        last.written++;
        this.#write(level, message, fields);
      } else last.left++;
      return;
    }
    this.#quiet.set(message, { until: now + LIMIT_MILLIS, written: 1, left: 0 });
    this.#write(level, message, last?.left ? { ...fields, more: last.left } : fields);
  }

  /** What clients do all day: each one is told, unless they come by the dozen. */
  event(message: string, fields?: Fields): void {
    this.limited("info", message, fields, EVENTS_MAX);
  }

  #write(level: Level, message: string, fields: Fields = {}): void {
    if (RANK[level] < this.#least) return;
    let line = `${new Date(this.#sink.wallClock()).toISOString()} ${level.toUpperCase().padEnd(5)} ${message}`;
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${name}=${quote(value)}`;
    }
    this.#sink.print(line.slice(0, LINE_MAX), "error");
  }
}

/** Plain where that is unambiguous, JSON elsewhere: control characters never reach the terminal. */
function quote(value: string | number | boolean): string {
  const text = String(value);
  if (/^[\x21\x23-\x7e]+$/.test(text)) return text;
  // JSON leaves DEL, the second set of control characters and those that turn the writing round.
  return JSON.stringify(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

/** As JSON would write it: each UTF-16 unit for itself. */
function escaped(character: string): string {
  let out = "";
  for (let i = 0; i < character.length; i++) {
    out += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return out;
}
