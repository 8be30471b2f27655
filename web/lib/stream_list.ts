/** The live streams as cards: a picture, what the API tells, and where to watch. @module */
import type { LiveStream } from "./api.ts";
import { make, showPairs } from "./dom.ts";
import { drawKeyframe, whyNoPictures } from "./keyframe.ts";
import { pageAddress, type Settings } from "./settings.ts";
import { sinceInWords, streamInWords } from "./stream_words.ts";

/** Cards; the API tells of all. */
const maxCards = 60;
/** A publisher by WebRTC makes a keyframe for each picture that nobody else had made. */
const pictureMillis = 10_000;

export class StreamList {
  readonly #settings: Settings;
  readonly #list: HTMLElement;
  readonly #more: HTMLElement;
  readonly #cards = new Map<string, StreamCard>();

  constructor(settings: Settings, list: HTMLElement, more: HTMLElement) {
    this.#settings = settings;
    this.#list = list;
    this.#more = more;
  }

  /** Touches only what has changed, so that pictures, focus and selections stay. */
  show(streams: readonly LiveStream[]): void {
    const sorted = [...streams].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const shown = sorted.slice(0, maxCards);
    const keys = new Set(shown.map(keyOf));
    for (const [key, card] of this.#cards) {
      if (keys.has(key)) continue;
      card.element.remove();
      this.#cards.delete(key);
    }
    for (const [index, stream] of shown.entries()) {
      const key = keyOf(stream);
      const card = this.#cards.get(key) ?? new StreamCard(this.#settings, stream);
      this.#cards.set(key, card);
      card.show(stream);
      const there = this.#list.children[index];
      if (there !== card.element) this.#list.insertBefore(card.element, there ?? null);
    }
    const left = sorted.length - shown.length;
    this.#more.hidden = left === 0;
    this.#more.textContent = `And ${left} more: see /api/v1/streams.`;
  }
}

function keyOf({ app, name }: LiveStream): string {
  return `${app}/${name}`;
}

class StreamCard {
  readonly element: HTMLLIElement;
  readonly #settings: Settings;
  readonly #canvas = make("canvas", { width: "480", height: "270" });
  readonly #note = make("span", { class: "note" });
  readonly #since = make("span", { class: "quiet" });
  readonly #facts = make("dl", { class: "figures" });
  readonly #warnings = make("ul", { class: "warnings" });
  #pictureAt = Number.NEGATIVE_INFINITY;
  #drawing = false;

  constructor(settings: Settings, { app, name }: LiveStream) {
    this.#settings = settings;
    const key = `${app}/${name}`;
    const own: Settings = { ...settings, app, stream: name };
    const watch = pageAddress(`watch/${app}/${name}`, own, false);
    for (const told of ["app", "stream"]) watch.searchParams.delete(told);
    const picture = make("a", { class: "picture", href: watch.href, tabindex: "-1" });
    picture.setAttribute("aria-hidden", "true");
    picture.append(this.#canvas, this.#note);
    picture.hidden = whyNoPictures() !== undefined;
    const link = (page: string, words: string, queries: Readonly<Record<string, string>>) => {
      const url = pageAddress(page, own, true);
      for (const [query, value] of Object.entries(queries)) url.searchParams.set(query, value);
      return make("a", { href: url.href }, words);
    };
    this.element = make(
      "li",
      { "data-stream": key },
      picture,
      make(
        "div",
        { class: "told" },
        make("p", { class: "name" }, make("a", { href: watch.href }, key), " ", this.#since),
        this.#facts,
        this.#warnings,
        make(
          "p",
          { class: "ways" },
          make("a", { href: watch.href }, "Watch"),
          link("players/whep.html", "WebRTC", {}),
          link("players/srs_player.html", "FLV", portOf(settings)),
          link("players/srs_player.html", "HLS", { ...portOf(settings), stream: `${name}.m3u8` }),
        ),
      ),
    );
  }

  show(stream: LiveStream): void {
    this.#since.textContent = sinceInWords(stream.live_ms, Date.now());
    showPairs(this.#facts, streamInWords(stream));
    const { warnings = [] } = stream;
    const told = [...this.#warnings.children].map(({ textContent }) => textContent);
    if (told.join("\n") !== warnings.join("\n")) {
      this.#warnings.replaceChildren(...warnings.map((words) => make("li", {}, words)));
    }
    this.#warnings.hidden = warnings.length === 0;
    if (stream.video === null) this.#note.textContent = "Sound alone";
    else if (stream.id !== undefined) void this.#draw(stream.id);
  }

  async #draw(id: string): Promise<void> {
    const now = performance.now();
    const due = now - this.#pictureAt >= pictureMillis;
    if (!due || this.#drawing || document.hidden || !this.#visible()) return;
    if (whyNoPictures() !== undefined) return;
    this.#drawing = true;
    this.#pictureAt = now;
    const why = await drawKeyframe(this.#settings, id, this.#canvas);
    this.#note.textContent = why;
    if (why === "") this.element.dataset["pictured"] = "yes";
    this.#drawing = false;
  }

  #visible(): boolean {
    const { top, bottom } = this.element.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }
}

/** srs_player.html names a port where ours names the API's. */
function portOf({ origin }: Settings): Readonly<Record<string, string>> {
  const { port } = new URL(origin);
  return origin === location.origin || port === "" ? {} : { port };
}
