/** The few things the pages do with elements. @module */

/** The element with this id; a page without it is our mistake. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`This page has no ${type.name} #${id}`);
}

/**
 * Resolves when the page has loaded. A `<video>` that was given a stream without a picture holds
 * the `load` event up, and with it whoever waits for the page.
 */
export function pageLoaded(): Promise<void> {
  if (document.readyState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    addEventListener("load", () => resolve(), { once: true });
  });
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Fills a `<dl>` with pairs, touching only what changed, so that a selection survives. */
export function showPairs(
  list: HTMLElement,
  pairs: readonly (readonly [name: string, value: string])[],
): void {
  for (const [name, value] of pairs) {
    let item = list.querySelector<HTMLElement>(`[data-name="${name}"]`);
    if (item === null) {
      item = make("div", { "data-name": name }, make("dt", {}, name), make("dd"));
      list.append(item);
    }
    const shown = item.querySelector("dd");
    const text = value === "" ? "–" : value;
    if (shown !== null && shown.textContent !== text) shown.textContent = text;
  }
}

/** Makes each `button[data-copy]` copy the text of the element it names. */
export function copyButtons(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
    button.addEventListener("click", () => {
      const from = document.getElementById(button.dataset["copy"] ?? "");
      if (from !== null) void copy(from, button);
    });
  }
}

async function copy(from: HTMLElement, button: HTMLButtonElement): Promise<void> {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(from.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    // Without HTTPS there is no clipboard: select it, so that one key copies it.
    getSelection()?.selectAllChildren(from);
    button.textContent = "Selected";
  }
  setTimeout(() => {
    button.textContent = label;
  }, 1_500);
}
