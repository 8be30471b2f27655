import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { EventStreams, QUEUED_MAX } from "../../../server/routes/events.ts";
import type { SignalSession } from "../../../server/signal.ts";
import { type Running, start } from "../fixture.ts";
import { Camera } from "../rtc/camera.ts";
import { play, publish, type RtcClient, until } from "../rtc/client.ts";

const TYPES = "active,inactive,layers,viewercount";

interface Call {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function call(url: string, method: string, body?: string): Promise<Call> {
  const answer = await fetch(url, { method, ...(body === undefined ? {} : { body }) });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** Reads an event stream until it ends. */
class Listener {
  text = "";
  ended = false;
  readonly #abort = new AbortController();

  async open(url: string): Promise<Response> {
    const answer = await fetch(url, { signal: this.#abort.signal });
    void this.#read(answer)
      .catch(() => {})
      .finally(() => (this.ended = true));
    return answer;
  }

  /** Names and data of the events that came. */
  get events(): (readonly [string, unknown])[] {
    return [...this.text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(
      ([, name = "", data = ""]) => [name, JSON.parse(data)] as const,
    );
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(answer: Response): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) this.text += decoder.decode(chunk);
  }
}

describe("server-sent events (draft-ietf-wish-whep-03 §4.9.1)", () => {
  let server: Running;
  before(async () => {
    server = await start();
  });
  after(() => server.monoport.close());

  /** The address of a session's events, as its Link header has it. */
  const entry = ({ location }: RtcClient): string => {
    const query = new URLSearchParams(location.split("?")[1]);
    const owner = { session: query.get("session") ?? "", token: query.get("token") ?? "" };
    return `${server.url}/rtc/v1/whep/events?${new URLSearchParams(owner)}`;
  };
  const opened = async (client: RtcClient, body?: string): Promise<string> => {
    const made = await call(entry(client), "POST", body);
    assert.equal(made.status, 201, made.text);
    return server.url + (made.headers.get("location") ?? "");
  };

  test("tell whether the stream is live, and how many watch it", async (t) => {
    const viewer = await play(server, { stream: "events" });
    t.after(() => viewer.close());
    const url = await opened(viewer);
    const listener = new Listener();
    t.after(() => listener.close());
    const answer = await listener.open(url);
    assert.equal(answer.headers.get("content-type"), "text/event-stream");
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    await until(() => listener.events.length === 1, "the count");
    assert.deepEqual(listener.events, [["viewercount", { viewercount: 1 }]], "not inactive");

    const source = await publish(server, { stream: "events" });
    t.after(() => source.close());
    await source.connect();
    const film = new Camera(source);
    t.after(() => film.stop());
    film.run(2);
    const second = await play(server, { stream: "events" });
    t.after(() => second.close());
    await until(() => listener.events.length === 3, "live, and two");
    film.stop();
    await source.remove();
    await until(() => listener.events.length === 4, "no longer live");
    assert.deepEqual(
      new Set(listener.events.slice(1).map((event) => JSON.stringify(event))),
      new Set(['["active",{}]', '["viewercount",{"viewercount":2}]', '["inactive",{}]']),
    );
    assert.equal(await viewer.remove(), 200);
    await until(() => listener.ended, "the end with the session");
    assert.equal((await call(url, "GET")).status, 404);
  });

  test("only those asked for come, and those that happened before the first GET come with it", async (t) => {
    const viewer = await play(server, { stream: "some" });
    t.after(() => viewer.close());
    const url = await opened(viewer, '["active","viewercount","reconnect"]');
    const other = await opened(await play(server, { stream: "some" }), '["inactive"]');
    await until(async () => server.monoport.metrics.value("monoport_sessions") >= 2, "both");
    await new Promise((wake) => setTimeout(wake, 1200));
    const [all, none] = [new Listener(), new Listener()];
    t.after(() => all.close());
    t.after(() => none.close());
    await all.open(url);
    await none.open(other);
    await until(() => all.events.length === 2, "1, then 2 viewers");
    assert.deepEqual(all.events, [
      ["viewercount", { viewercount: 1 }],
      ["viewercount", { viewercount: 2 }],
    ]);
    assert.equal(none.text, "");
    assert.equal((await call(other, "DELETE")).status, 200);
    await until(() => none.ended, "the end");
    assert.equal((await call(other, "DELETE")).status, 404);
    assert.equal((await call(other, "GET")).status, 404);
  });

  test("a session has one event stream, which one at a time reads", async (t) => {
    const viewer = await play(server, { stream: "one" });
    t.after(() => viewer.close());
    const [first, second] = [await opened(viewer), await opened(viewer)];
    assert.equal((await call(first, "GET")).status, 404);
    const [early, late] = [new Listener(), new Listener()];
    t.after(() => late.close());
    await early.open(second);
    assert.equal((await call(second, "HEAD")).status, 200);
    assert.equal(early.ended, false, "HEAD reads nothing");
    await late.open(second);
    await until(() => early.ended, "the first reader is ended");
    assert.equal(late.ended, false);
  });

  test("they are advertised in the 201, and are a viewer's who has the secret", async (t) => {
    const viewer = await play(server, { stream: "secret" });
    t.after(() => viewer.close());
    const made = await fetch(`${server.url}/rtc/v1/whep/?stream=secret`, { method: "POST" });
    await made.text();
    assert.match(
      made.headers.get("link") ?? "",
      new RegExp(
        `</rtc/v1/whep/events\\?session=\\w+&token=\\w+>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="${TYPES}"`,
      ),
    );
    const url = entry(viewer);
    for (const wrong of [url.replace(/token=./, "token=_"), url.replace(/session=./, "session=_")])
      assert.equal((await call(wrong, "POST")).status, 404);
    const location = await opened(viewer);
    for (const wrong of [location.replace(/token=./, "token=_"), `${location}0`])
      assert.equal((await call(wrong, "GET")).status, 404);
    assert.equal((await call(url, "POST", "hello")).status, 400);
    assert.equal((await call(url, "POST", '{"a":1}')).status, 400);
    const source = await publish(server, { stream: "secret" });
    t.after(() => source.close());
    assert.equal((await call(entry(source), "POST")).status, 404);
  });
});

test("events are kept within bounds for who does not read, and who reads too slowly is ended", async () => {
  let now = 0;
  let viewers = 0;
  let wake = (): void => {};
  const clock = {
    now: () => now,
    wakeAt: (_at: number, then: () => void) => {
      wake = then;
      return { [Symbol.dispose]: () => {} };
    },
  };
  const watched = (): object => ({ active: false, viewers: viewers++, layers: {} });
  const streams = new EventStreams(
    {
      session: () => ({ watched }) as unknown as SignalSession,
      sameSecret: (a, b) => a === b,
    },
    clock,
  );
  const name = streams.open("s", "secret", ["viewercount"]);
  const look = (times: number): void => {
    for (let i = 0; i < times; i++) {
      now += 1000;
      wake();
    }
  };
  look(200);
  const stream = streams.find("s", "secret", name);
  assert.ok(stream);
  const reader = stream.read().getReader();
  look(1);
  const kept: string[] = [];
  while (kept.length <= QUEUED_MAX) {
    const { value } = await reader.read();
    kept.push(new TextDecoder().decode(value));
  }
  assert.match(kept[0] ?? "", /"viewercount":137/);
  assert.match(kept.at(-1) ?? "", /"viewercount":201/);
  look(2 * QUEUED_MAX);
  let ended = false;
  for (let i = 0; i <= 2 * QUEUED_MAX && !ended; i++) ended = (await reader.read()).done;
  assert.ok(ended, "hung up");
  assert.equal(streams.find("s", "secret", name), stream, "it may be read again");
});
