/** Finished recordings: played here, downloaded, deleted. For operators, as the API is. @module */
import { element, make } from "./lib/dom.ts";

interface Recording {
  readonly name: string;
  readonly format: "mp4" | "flv";
  readonly size: number;
  readonly modified_ms: number;
  readonly url: string;
}

interface Listing {
  readonly total: number;
  readonly recordings: readonly Recording[];
}

const api = "/api/v1/recordings/files";
const count = 100;
const list = element("recordings", HTMLElement);
const more = element("more", HTMLButtonElement);
const message = element("message", HTMLElement);
const video = make("video", {
  id: "video",
  controls: "",
  playsinline: "",
  "aria-label": "The recording",
});
/** `?token=` of this page goes along with what is played. */
const token = new URL(location.href).searchParams.get("token");

/** Lists what comes after what is shown. */
async function show(): Promise<void> {
  const answer = await fetch(`${api}?start=${list.children.length}&count=${count}`);
  if (!answer.ok) {
    message.textContent = await whyNot(answer);
    return;
  }
  const { total, recordings } = (await answer.json()) as Partial<Listing>;
  if (total === undefined || recordings === undefined) {
    message.textContent = "This server does not serve recordings.";
    return;
  }
  list.append(...recordings.map(row));
  more.hidden = recordings.length === 0 || list.children.length >= total;
  message.textContent =
    total === 0
      ? "There are no finished recordings. Streams are recorded with vhost.dvr.enabled on, or by POST to /api/v1/recordings."
      : "";
}

async function whyNot(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    return (JSON.parse(text) as { readonly message: string }).message;
  } catch {
    return text;
  }
}

function row(recording: Recording): HTMLElement {
  const { name, format, size, modified_ms, url } = recording;
  const address = token === null ? url : `${url}?token=${encodeURIComponent(token)}`;
  const title = make("a", { href: address }, name);
  // Browsers play no FLV.
  if (format === "mp4") {
    title.addEventListener("click", (event) => {
      event.preventDefault();
      play(name, address);
    });
  }
  const remove = make("button", { type: "button" }, "Delete");
  const item = make(
    "li",
    { "data-recording": name },
    title,
    make(
      "span",
      { class: "facts" },
      make("span", {}, `${new Date(modified_ms).toLocaleString()} · ${megabytes(size)}`),
      make("a", { href: address, download: name.replaceAll("/", "_") }, "Download"),
      remove,
    ),
  );
  remove.addEventListener("click", () => void deleteIt(recording, item));
  return item;
}

function play(name: string, address: string): void {
  element("playing", HTMLElement).hidden = false;
  element("name", HTMLElement).textContent = name;
  video.src = address;
  void video.play().catch(() => {});
}

async function deleteIt({ name }: Recording, item: HTMLElement): Promise<void> {
  if (!confirm(`Delete ${name}?`)) return;
  const answer = await fetch(`${api}/${name}`, { method: "DELETE" });
  if (answer.ok || answer.status === 404) item.remove();
  else message.textContent = await whyNot(answer);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

element("screen", HTMLElement).append(video);
more.addEventListener("click", () => void show());
show().catch(() => {
  message.textContent = "The server does not answer.";
});
