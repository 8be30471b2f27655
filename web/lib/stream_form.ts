/**
 * The form that names the stream; the page's address follows it, so that it can be passed on.
 *
 * @module
 */
import { element } from "./dom.ts";
import type { Settings } from "./settings.ts";
import { readWebrtcUrl, webrtcUrl } from "./webrtc_url.ts";

/** Calls back after each valid change. */
export function streamForm(settings: Settings, onchange: () => void): void {
  const url = document.getElementById("webrtc-url");
  if (url instanceof HTMLInputElement) urlForm(url, settings, onchange);
  else namesForm(settings, onchange);
}

function namesForm(settings: Settings, onchange: () => void): void {
  const app = element("app", HTMLInputElement);
  const stream = element("stream", HTMLInputElement);
  app.value = settings.app;
  stream.value = settings.stream;
  const changed = (): void => {
    if (!app.reportValidity() || !stream.reportValidity()) return;
    settings.app = app.value;
    settings.stream = stream.value;
    follow({ app: settings.app, stream: settings.stream });
    onchange();
  };
  app.addEventListener("change", changed);
  stream.addEventListener("change", changed);
}

/** One field for all of it, as in SRS's pages. */
function urlForm(field: HTMLInputElement, settings: Settings, onchange: () => void): void {
  field.value = webrtcUrl(settings);
  field.form?.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("change", () => {
    const read = readWebrtcUrl(field.value, new URL(location.href));
    field.setCustomValidity(
      read === undefined ? "It has to be like webrtc://example.org:8080/live/livestream" : "",
    );
    if (!field.reportValidity() || read === undefined) return;
    Object.assign(settings, read);
    const { hostname, port, protocol } = new URL(read.origin);
    follow({
      app: read.app,
      stream: read.stream,
      server: hostname,
      api: port || (protocol === "https:" ? "443" : "80"),
    });
    onchange();
  });
}

/** Puts queries into the page's address. */
export function follow(queries: Readonly<Record<string, string>>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(queries)) url.searchParams.set(name, value);
  history.replaceState(null, "", url);
}
