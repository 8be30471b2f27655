/** The index: what is live, the demo stream playing, and how to publish and play. @module */
import { type LiveStream, readStreams, readVersion } from "./lib/api.ts";
import { copyButtons, element } from "./lib/dom.ts";
import { whyNoPictures } from "./lib/keyframe.ts";
import { Player } from "./lib/player.ts";
import { endpoint, pageAddress, readSettings, type Settings } from "./lib/settings.ts";
import { streamForm } from "./lib/stream_form.ts";
import { StreamList } from "./lib/stream_list.ts";
import { exposeConversation, showConversation } from "./lib/view.ts";

const refreshMillis = 2_000;
const settings = readSettings(new URL(location.href));
const demoSettings: Settings = { ...settings, app: "live", stream: "demo", codec: "" };
const video = element("video", HTMLVideoElement);
const unmute = element("unmute", HTMLButtonElement);
const demo = new Player(demoSettings, video);
demo.retries = true;
const list = new StreamList(
  settings,
  element("streams", HTMLElement),
  element("more-streams", HTMLElement),
);

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
  const why = whyNoPictures();
  element("no-pictures", HTMLElement).hidden = why === undefined || live.length === 0;
  element("no-pictures", HTMLElement).textContent = why ?? "";
  list.show(live);
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
