/** The page that plays a stream. @module */
import { copyButtons, element } from "../lib/dom.ts";
import { Player } from "../lib/player.ts";
import { endpoint, pageAddress, readSettings } from "../lib/settings.ts";
import { streamForm } from "../lib/stream_form.ts";
import { exposeConversation, showConversation } from "../lib/view.ts";

const settings = readSettings(new URL(location.href));
const video = element("video", HTMLVideoElement);
const start = element("start", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const unmute = element("unmute", HTMLButtonElement);
const player = new Player(settings, video);
player.retries = settings.autostart;

function show(): void {
  showConversation(player);
  const running = player.pc !== undefined;
  start.textContent = running || player.state === "failed" ? "Reconnect" : "Play";
  stop.hidden = !running && player.state !== "failed";
  unmute.hidden = !(running && video.muted && player.figures?.audioCodec);
}

function showAddresses(): void {
  element("whep-url", HTMLElement).textContent = endpoint(settings, "whep").href;
  const link = element("publish-link", HTMLAnchorElement);
  link.href = pageAddress(link.dataset["page"] ?? "", settings, false).href;
  document.title = `${settings.app}/${settings.stream} – Monoport`;
}

start.addEventListener("click", () => void player.start());
stop.addEventListener("click", () => player.stop());
unmute.addEventListener("click", () => {
  video.muted = false;
  video.play().catch(() => {});
  show();
});
video.addEventListener("volumechange", show);
player.onchange = show;
streamForm(settings, () => {
  showAddresses();
  if (player.pc !== undefined) void player.start();
});
copyButtons();
showAddresses();
exposeConversation(player);
show();
if (settings.autostart) void player.start();
