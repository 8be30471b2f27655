/** The log: one line per event, on standard error, with fields a machine can read. @module */

export type Level = "debug" | "info" | "warn" | "error";

/** Values that follow the message as `name=value`. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

const RANK: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** Longest line; what peers send ends up in fields. */
const LINE_MAX = 2000;

export interface LogSink {
  wallClock(): number;
  print(line: string, to?: "out" | "error"): void;
}

export class Log {
  readonly #sink: LogSink;
  readonly #least: number;
  /** Key of `limited` lines to the time from which they are written again. */
  readonly #quiet = new Map<string, { until: number; left: number }>();

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
   * At most one line per message and 10 s, which says how many were left out: for what peers can
   * cause at will.
   */
  limited(level: Level, message: string, fields?: Fields): void {
    const now = this.#sink.wallClock();
    const quiet = this.#quiet.get(message);
    if (quiet !== undefined && now < quiet.until) {
      quiet.left++;
      return;
    }
    this.#quiet.set(message, { until: now + 10_000, left: 0 });
    this.#write(level, message, quiet?.left ? { ...fields, more: quiet.left } : fields);
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
