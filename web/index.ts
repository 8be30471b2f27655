/** The index: what runs here, the demo stream playing, and how to publish and play. @module */
import { type LiveStream, readStreams, readVersion } from "./lib/api.ts";
import { copyButtons, element, make } from "./lib/dom.ts";
import { Player } from "./lib/player.ts";
import { endpoint, pageAddress, readSettings, type Settings } from "./lib/settings.ts";
import { rateInWords } from "./lib/stats.ts";
import { streamForm } from "./lib/stream_form.ts";
import { exposeConversation, showConversation } from "./lib/view.ts";

const refreshMillis = 2_000;
const settings = readSettings(new URL(location.href));
const demoSettings: Settings = { ...settings, app: "live", stream: "demo", codec: "" };
const video = element("video", HTMLVideoElement);
const unmute = element("unmute", HTMLButtonElement);
const demo = new Player(demoSettings, video);
demo.retries = true;

function showAddresses(): void {
  element("whip-url", HTMLElement).textContent = endpoint(settings, "whip").href;
  element("whep-url", HTMLElement).textContent = endpoint(settings, "whep").href;
  const watch = new URL(`/watch/${settings.app}/${settings.stream}`, settings.origin);
  element("watch-url", HTMLElement).textContent = watch.href;
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-page]")) {
    const page = link.dataset["page"] ?? "";
    link.href = pageAddress(page, settings, link.dataset["autostart"] === "true").href;
  }
}

/** Starts the demo when the server has it, and takes it off the page when it has not. */
function showDemo(streams: readonly LiveStream[]): void {
  const there = streams.some(
    ({ app, name, publish }) => app === "live" && name === "demo" && publish.active,
  );
  element("demo", HTMLElement).hidden = !there && demo.pc === undefined;
  if (there && demo.state === "idle") void demo.start();
}

function showStreams(streams: readonly LiveStream[]): void {
  // Streams of /diagnose last seconds and show nothing.
  const live = streams.filter(({ app, publish }) => publish.active && app !== "diagnose");
  element("no-streams", HTMLElement).hidden = live.length > 0;
  element("streams", HTMLElement).replaceChildren(...live.map(streamRow));
}

function streamRow(stream: LiveStream): HTMLElement {
  const { app, name, clients, video: picture, audio, kbps } = stream;
  const play = pageAddress("players/whep.html", { ...settings, app, stream: name }, true);
  // SRS counts the publisher as a client.
  const viewers = Math.max(0, clients - 1);
  const size = picture && picture.width > 0 ? `${picture.width}×${picture.height}` : "";
  const facts = [
    picture === null ? "" : [picture.codec, size].join(" ").trim(),
    audio?.codec ?? "",
    rateInWords(kbps.recv_30s),
    `${viewers}\u00a0${viewers === 1 ? "viewer" : "viewers"}`,
  ];
  return make(
    "li",
    { "data-stream": `${app}/${name}` },
    make("a", { href: play.href }, `${app}/${name}`),
    make("span", { class: "facts" }, facts.filter((fact) => fact !== "").join(" · ")),
  );
}

async function refresh(): Promise<void> {
  const streams = await readStreams(settings);
  element("unreachable", HTMLElement).hidden = streams !== undefined;
  if (streams !== undefined) {
    showStreams(streams);
    showDemo(streams);
  }
  setTimeout(() => void refresh(), document.hidden ? refreshMillis * 5 : refreshMillis);
}

demo.onchange = () => {
  showConversation(demo);
  unmute.hidden = !(video.muted && demo.figures?.audioCodec);
};
unmute.addEventListener("click", () => {
  video.muted = false;
  unmute.hidden = true;
});
streamForm(settings, showAddresses);
copyButtons();
showAddresses();
exposeConversation(demo);
showConversation(demo);
void refresh();
void readVersion(settings).then((version) => {
  element("version", HTMLElement).textContent = version;
});
