/** The page that plays HTTP-FLV, WS-FLV and HLS by their address. @module */
import { copyButtons, element, showPairs } from "../lib/dom.ts";
import { bufferOf, sourceOf, streamUrl } from "../lib/flv_settings.ts";
import { Playback, playbackInWords } from "../lib/playback.ts";
import { showState } from "../lib/view.ts";

const page = new URL(location.href);
const video = element("video", HTMLVideoElement);
const start = element("start", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const unmute = element("unmute", HTMLButtonElement);
const field = element("stream-url", HTMLInputElement);
const autostart = page.searchParams.get("autostart") === "true";
const first = streamUrl(page);
let source = sourceOf(first.href, bufferOf(page));

const playback = new Playback(video, () => {
  if (source === undefined) throw new Error("no address");
  return source;
});
playback.retries = autostart;

function show(): void {
  const { state, message, figures } = playback;
  showState(state, message, figures?.protocol ?? "");
  if (figures !== undefined) showPairs(element("figures", HTMLElement), playbackInWords(figures));
  start.textContent = playback.running || state === "failed" ? "Reload" : "Play";
  stop.hidden = !playback.running && state !== "failed";
  unmute.hidden = !(state === "live" && video.muted);
}

function showName(): void {
  if (source !== undefined) document.title = `${source.name} – Monoport`;
  const live = source !== undefined && source.url.host === location.host;
  const watch = element("watch-link", HTMLAnchorElement);
  if (live) watch.href = `../watch/${source?.name}`;
}

field.value = first.href;
field.form?.addEventListener("submit", (event) => event.preventDefault());
field.addEventListener("change", () => {
  const read = sourceOf(field.value, bufferOf(page));
  field.setCustomValidity(
    read === undefined
      ? "It has to end in .flv or .ts (http, https, ws, wss) or .m3u8 (http, https)"
      : "",
  );
  if (!field.reportValidity() || read === undefined) return;
  source = read;
  showName();
  void playback.start();
});
start.addEventListener("click", () => void playback.start());
stop.addEventListener("click", () => playback.stop());
unmute.addEventListener("click", () => {
  video.muted = false;
  video.play().catch(() => {});
  show();
});
video.addEventListener("volumechange", show);
playback.onchange = show;
copyButtons();
showName();
show();
if (autostart) void playback.start();
