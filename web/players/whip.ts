/** The page that publishes a camera, a screen, a microphone or a test picture. @module */
import { videoCodecs } from "../lib/codecs.ts";
import { copyButtons, element, make } from "../lib/dom.ts";
import { Publisher } from "../lib/publisher.ts";
import { endpoint, pageAddress, readSettings } from "../lib/settings.ts";
import type { SourceChoice, SourceName } from "../lib/sources.ts";
import { follow, streamForm } from "../lib/stream_form.ts";
import { exposeConversation, showConversation } from "../lib/view.ts";
import { whyNoDevices } from "../lib/words.ts";

const settings = readSettings(new URL(location.href));
const preview = element("video", HTMLVideoElement);
const start = element("start", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const source = element("source", HTMLSelectElement);
const camera = element("camera", HTMLSelectElement);
const microphone = element("microphone", HTMLSelectElement);
const codec = element("codec", HTMLSelectElement);
const simulcast = element("simulcast", HTMLInputElement);

const publisher = new Publisher(
  settings,
  preview,
  (): SourceChoice => ({
    source: source.value as SourceName,
    camera: camera.value,
    microphone: microphone.value,
  }),
);

function show(): void {
  showConversation(publisher);
  const running = publisher.pc !== undefined;
  start.textContent = running || publisher.state === "failed" ? "Reconnect" : "Publish";
  stop.hidden = !running;
}

function showAddresses(): void {
  element("whip-url", HTMLElement).textContent = endpoint(settings, "whip").href;
  const link = element("play-link", HTMLAnchorElement);
  link.href = pageAddress(link.dataset["page"] ?? "", settings, true).href;
  document.title = `Publish ${settings.app}/${settings.stream} – Monoport`;
}

function showSourceOptions(): void {
  camera.disabled = source.value !== "camera";
  microphone.disabled = source.value !== "camera" && source.value !== "microphone";
}

/** Devices have names only after one was allowed; so this is done again once publishing. */
async function listDevices(): Promise<void> {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  fill(camera, devices, "videoinput", "camera");
  fill(microphone, devices, "audioinput", "microphone");
}

function fill(
  select: HTMLSelectElement,
  devices: readonly MediaDeviceInfo[],
  kind: MediaDeviceKind,
  word: string,
): void {
  const chosen = select.value;
  const found = devices.filter((device) => device.kind === kind && device.deviceId !== "");
  select.replaceChildren(
    make("option", { value: "" }, `Default ${word}`),
    ...found.map(({ deviceId, label }, index) =>
      make("option", { value: deviceId }, label || `${word} ${index + 1}`),
    ),
  );
  if (found.some(({ deviceId }) => deviceId === chosen)) select.value = chosen;
}

function listCodecs(): void {
  const names = videoCodecs("send");
  if (settings.codec !== "" && !names.includes(settings.codec)) names.push(settings.codec);
  codec.append(...names.map((name) => make("option", { value: name }, name.toUpperCase())));
  codec.value = settings.codec;
}

function again(): void {
  if (publisher.pc !== undefined) void publisher.start();
}

start.addEventListener("click", () => void publisher.start());
stop.addEventListener("click", () => publisher.stop());
source.addEventListener("change", () => {
  showSourceOptions();
  again();
});
camera.addEventListener("change", again);
microphone.addEventListener("change", again);
codec.addEventListener("change", () => {
  settings.codec = codec.value;
  showAddresses();
  again();
});
simulcast.checked = settings.simulcast;
simulcast.addEventListener("change", () => {
  settings.simulcast = simulcast.checked;
  follow({ simulcast: String(simulcast.checked) });
  again();
});
publisher.onchange = () => {
  if (publisher.state === "live" && camera.dataset["listed"] === undefined) {
    camera.dataset["listed"] = "yes";
    void listDevices();
  }
  show();
};
navigator.mediaDevices?.addEventListener("devicechange", () => void listDevices());

if ([...source.options].some(({ value }) => value === settings.source)) {
  source.value = settings.source;
}
streamForm(settings, () => {
  showAddresses();
  again();
});
copyButtons();
listCodecs();
showSourceOptions();
showAddresses();
exposeConversation(publisher);
show();
const refusal = whyNoDevices();
if (refusal !== undefined && source.value !== "test") publisher.message = refusal;
show();
void listDevices();
if (settings.autostart) void publisher.start();
