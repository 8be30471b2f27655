/**
 * The form that names the stream; the page's address follows it, so that it can be passed on.
 *
 * @module
 */
import { element } from "./dom.ts";
import type { Settings } from "./settings.ts";

/** Calls back after each valid change. */
export function streamForm(settings: Settings, onchange: () => void): void {
  const app = element("app", HTMLInputElement);
  const stream = element("stream", HTMLInputElement);
  app.value = settings.app;
  stream.value = settings.stream;
  const changed = (): void => {
    if (!app.reportValidity() || !stream.reportValidity()) return;
    settings.app = app.value;
    settings.stream = stream.value;
    const url = new URL(location.href);
    url.searchParams.set("app", settings.app);
    url.searchParams.set("stream", settings.stream);
    history.replaceState(null, "", url);
    onchange();
  };
  app.addEventListener("change", changed);
  stream.addEventListener("change", changed);
}
