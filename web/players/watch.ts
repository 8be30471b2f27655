/**
 * `/watch/APP/STREAM`: the page to hand to people. The path names the stream; `by=webrtc`, `hls` or
 * `flv` (or several) tries these alone; `climb` is the seconds until WebRTC is tried again beside another way, 0
 * for never.
 *
 * @module
 */
import { element, make, showPairs } from "../lib/dom.ts";
import { readSettings } from "../lib/settings.ts";
import { showState } from "../lib/view.ts";
import { Watch } from "../lib/watch.ts";
import { type WayName, wayNames } from "../lib/ways.ts";

const page = new URL(location.href);
const settings = readSettings(page);
const [, app, stream] = /\/watch\/([^/]+)\/([^/]+)$/.exec(page.pathname) ?? [];
if (app !== undefined) settings.app = app;
if (stream !== undefined) settings.stream = stream;

const video = element("video", HTMLVideoElement);
const start = element("start", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const unmute = element("unmute", HTMLButtonElement);
const left = element("left", HTMLElement);
const watch = new Watch(
  { ...settings, others: settings.others.filter(isNotOurs) },
  video,
  ways(),
  climbMillis(),
);

function isNotOurs([name]: readonly [string, string]): boolean {
  return name !== "by" && name !== "climb";
}

function climbMillis(): number {
  const text = page.searchParams.get("climb") ?? "30";
  return /^\d{1,4}$/.test(text) ? Number(text) * 1000 : 30_000;
}

/** All of them, unless the query names some. */
function ways(): readonly WayName[] {
  const wanted = (page.searchParams.get("by") ?? "").split(",");
  const named = wayNames.filter((name) => wanted.includes(name));
  return named.length > 0 ? named : wayNames;
}

function show(): void {
  const { state, message } = watch;
  showState(state, message, watch.by);
  showPairs(element("figures", HTMLElement), watch.figures);
  const running = watch.way !== undefined;
  start.textContent = running ? "Begin again" : "Watch";
  stop.hidden = !running && state !== "failed";
  unmute.hidden = !(state === "live" && video.muted);
  left.hidden = watch.left.length === 0;
  if (left.childElementCount !== watch.left.length)
    left.replaceChildren(...watch.left.map((words) => make("li", {}, words)));
}

start.addEventListener("click", () => watch.start());
stop.addEventListener("click", () => watch.stop());
unmute.addEventListener("click", () => {
  video.muted = false;
  video.play().catch(() => {});
  show();
});
video.addEventListener("volumechange", show);
document.title = `${settings.app}/${settings.stream} – Monoport`;
element("name", HTMLElement).textContent = `${settings.app}/${settings.stream}`;
watch.onchange = show;
show();
watch.start();
