/**
 * Server-sent events of a viewer's session (draft-ietf-wish-whep-03 §4.9.1): whether the stream is
 * live, how many watch it, and its layers.
 *
 * POST to the address in the Link header of the 201 makes an event stream, GET of its Location reads
 * it, DELETE ends it. A session has one; the next takes its place.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Millis, Runtime } from "../../core/base/mod.ts";
import type { Signalling, WatchedStream } from "../signal.ts";
import { readBody } from "./body.ts";
import type { RtcRoutesOptions } from "./rtc.ts";
import { authorize } from "./session.ts";

export const EVENTS_REL = "urn:ietf:params:whep:ext:core:server-sent-events";
const PATH = "/rtc/v1/whep/events";
const TYPES = ["active", "inactive", "layers", "viewercount"] as const;
type EventType = (typeof TYPES)[number];

/** How often sessions with an event stream are looked at. */
const LOOK_MILLIS: Millis = 1000;
/** A line that says nothing, so that proxies and we see whether the other end is there. */
const QUIET_LOOKS = 15;
/** Events kept for a client who is not reading; the oldest go first. */
export const QUEUED_MAX = 64;

export function eventsLink(session: string, token: string): string {
  const address = `${PATH}?${new URLSearchParams({ session, token })}`;
  return `<${address}>; rel="${EVENTS_REL}"; events="${TYPES.join(",")}"`;
}

const wantedTypes = v.array(v.string());

export function eventRoutes(options: RtcRoutesOptions): Hono {
  const app = new Hono();
  const streams = new EventStreams(options.signalling, options.clock);
  app.post(PATH, async (c) => {
    const { session: id = "", token = "" } = c.req.query();
    const session = options.signalling.session(id, token);
    if (session?.action !== "play" || session.waits)
      return c.text("No such session of a viewer\n", 404);
    const refusal = await authorize(c, options, session);
    if (refusal !== undefined) return refusal;
    const types = await readTypes(c, options.bodyBytes);
    if (types instanceof Response) return types;
    const location = `${PATH}?${new URLSearchParams({ session: id, token, events: streams.open(id, token, types) })}`;
    return c.body(null, 201, { location });
  });
  app.get(PATH, (c) => {
    const found = streamOf(c, streams);
    if (found === undefined) return c.text("No such event stream\n", 404);
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    return c.req.method === "HEAD"
      ? c.body(null, 200, headers)
      : c.body(found.read(), 200, headers);
  });
  app.delete(PATH, (c) => {
    const found = streamOf(c, streams);
    if (found === undefined) return c.text("No such event stream\n", 404);
    streams.end(found);
    return c.body(null, 200);
  });
  return app;
}

function streamOf(c: Context, streams: EventStreams): EventStream | undefined {
  const { session = "", token = "", events = "" } = c.req.query();
  return streams.find(session, token, events);
}

/** The types asked for, all when none is named. Those we do not have are passed over. */
async function readTypes(c: Context, most: number): Promise<readonly EventType[] | Response> {
  const text = await readBody(c, most);
  if (typeof text !== "string") return c.text(`${text.message}\n`, text.status);
  if (text.trim() === "") return TYPES;
  const names = v.safeParse(v.pipe(v.string(), v.parseJson(), wantedTypes), text);
  if (!names.success) return c.text(`Cannot read the body: it is JSON like ["active"]\n`, 400);
  return TYPES.filter((type) => names.output.includes(type));
}

/** The event streams there are; each belongs to a session and ends with it. */
export class EventStreams {
  readonly #signalling: Pick<Signalling, "session" | "sameSecret">;
  readonly #clock: Pick<Runtime, "now" | "wakeAt">;
  /** By session. */
  readonly #open = new Map<string, EventStream>();
  #timer: Disposable | undefined;
  /** Counts them: the number is their name, and the session's token their secret. */
  #made = 0;

  constructor(
    signalling: Pick<Signalling, "session" | "sameSecret">,
    clock: Pick<Runtime, "now" | "wakeAt">,
  ) {
    this.#signalling = signalling;
    this.#clock = clock;
  }

  /** Makes one for the session, and returns its name. */
  open(session: string, token: string, types: readonly EventType[]): string {
    this.#open.get(session)?.close();
    const stream = new EventStream(session, token, `${++this.#made}`, types);
    this.#open.set(session, stream);
    this.#lookAt(stream);
    this.#wake();
    return stream.name;
  }

  find(session: string, token: string, name: string): EventStream | undefined {
    const stream = this.#open.get(session);
    if (stream?.name !== name || !this.#signalling.sameSecret(stream.token, token))
      return undefined;
    return stream;
  }

  end(stream: EventStream): void {
    stream.close();
    if (this.#open.get(stream.session) === stream) this.#open.delete(stream.session);
  }

  #look(): void {
    for (const stream of this.#open.values()) this.#lookAt(stream);
    this.#wake();
  }

  #lookAt(stream: EventStream): void {
    const session = this.#signalling.session(stream.session, stream.token);
    if (session === undefined) this.end(stream);
    else stream.look(session.watched());
  }

  #wake(): void {
    if (this.#open.size === 0) return;
    this.#timer ??= this.#clock.wakeAt(this.#clock.now() + LOOK_MILLIS, () => {
      this.#timer = undefined;
      this.#look();
    });
  }
}

export class EventStream {
  readonly session: string;
  readonly token: string;
  readonly name: string;
  readonly #types: readonly EventType[];
  readonly #queue: string[] = [];
  #reader: ReadableStreamDefaultController<Uint8Array> | undefined;
  #active = false;
  #viewers = -1;
  #layers = "{}";
  #quiet = 0;

  constructor(session: string, token: string, name: string, types: readonly EventType[]) {
    this.session = session;
    this.token = token;
    this.name = name;
    this.#types = types;
  }

  /** Compares the stream with what was told of it. */
  look({ active, viewers, layers }: WatchedStream): void {
    this.#quiet++;
    if (active !== this.#active) this.#tell(active ? "active" : "inactive", "{}");
    this.#active = active;
    if (viewers !== this.#viewers)
      this.#tell("viewercount", JSON.stringify({ viewercount: viewers }));
    this.#viewers = viewers;
    // Bit rates change all the time: they are told along with what else has changed.
    const shape = JSON.stringify(layers, (key, value) => (key === "bitrate" ? value > 0 : value));
    if (shape !== this.#layers) this.#tell("layers", JSON.stringify(layers));
    this.#layers = shape;
    if (this.#quiet >= QUIET_LOOKS) this.#write(":\n\n");
  }

  /** Begins to read: first what was kept. A reader there was before is ended. */
  read(): ReadableStream<Uint8Array> {
    this.#hangUp();
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#reader = controller;
        for (const event of this.#queue.splice(0)) this.#write(event);
      },
      cancel: () => {
        this.#reader = undefined;
      },
    });
  }

  close(): void {
    this.#queue.length = 0;
    this.#hangUp();
  }

  #hangUp(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #tell(type: EventType, data: string): void {
    if (this.#types.includes(type)) this.#write(`event: ${type}\ndata: ${data}\n\n`);
  }

  #write(text: string): void {
    this.#quiet = 0;
    const reader = this.#reader;
    if (reader === undefined) {
      this.#queue.push(text);
      if (this.#queue.length > QUEUED_MAX) this.#queue.shift();
    } else if ((reader.desiredSize ?? 0) < -QUEUED_MAX) {
      this.#hangUp(); // who takes nothing may come again
    } else {
      reader.enqueue(new TextEncoder().encode(text));
    }
  }
}
