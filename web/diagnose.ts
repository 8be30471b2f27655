/** The page that finds out what passes between this browser and the server. @module */
import { summary } from "./lib/diagnose/advice.ts";
import { type Check, type CheckName, checkNames } from "./lib/diagnose/checks.ts";
import { reportText } from "./lib/diagnose/report.ts";
import { Diagnosis } from "./lib/diagnose/run.ts";
import { copyButtons, element, make } from "./lib/dom.ts";
import { readSettings } from "./lib/settings.ts";

const settings = readSettings(new URL(location.href));
const names = Object.keys(checkNames) as CheckName[];
const start = element("start", HTMLButtonElement);
const message = element("message", HTMLElement);
const progress = element("progress", HTMLProgressElement);
const list = element("checks", HTMLElement);
const waiting: Check = { verdict: "waiting", facts: "", advice: "" };
const running: Check = { verdict: "running", facts: "", advice: "" };

function row(name: CheckName): HTMLElement {
  return make(
    "li",
    { "data-check": name },
    make("h3", {}, checkNames[name]),
    make("span", { class: "badge" }),
    make("p", { class: "facts" }),
    make("p", { class: "advice" }),
  );
}

function show(name: CheckName, check: Check): void {
  const item = list.querySelector<HTMLElement>(`[data-check="${name}"]`);
  if (item === null) return;
  item.dataset["verdict"] = check.verdict;
  const texts = { ".badge": check.verdict, ".facts": check.facts, ".advice": check.advice };
  for (const [selector, text] of Object.entries(texts)) {
    const shown = item.querySelector<HTMLElement>(selector);
    if (shown === null) continue;
    shown.textContent = text;
    shown.hidden = text === "";
  }
}

async function run(): Promise<void> {
  if (start.getAttribute("aria-disabled") === "true") return;
  // Not `disabled`, which would take the focus away.
  start.setAttribute("aria-disabled", "true");
  document.documentElement.dataset["state"] = "running";
  element("results", HTMLElement).hidden = false;
  element("text", HTMLElement).hidden = true;
  list.replaceChildren(...names.map(row));
  for (const name of names) show(name, waiting);
  progress.hidden = false;
  progress.value = 0;
  const diagnosis = new Diagnosis(settings, (name, check) => {
    show(name, check ?? running);
    if (check === undefined) message.textContent = `Testing: ${checkNames[name]} …`;
    progress.value = diagnosis.checks.size / names.length;
  });
  await diagnosis.run();
  for (const name of names) show(name, diagnosis.check(name));
  finish(diagnosis);
}

function finish(diagnosis: Diagnosis): void {
  const { facts } = diagnosis;
  const words =
    facts === undefined
      ? diagnosis.check("http").advice
      : summary(diagnosis.check("tcp"), diagnosis.check("udp"));
  element("report", HTMLElement).textContent = reportText({
    summary: words,
    time: new Date(),
    version: facts?.version ?? "",
    origin: settings.origin,
    browser: navigator.userAgent,
    candidates: diagnosis.candidates,
    checks: new Map(names.map((name) => [name, diagnosis.check(name)])),
  });
  message.textContent = words;
  element("text", HTMLElement).hidden = false;
  progress.hidden = true;
  start.removeAttribute("aria-disabled");
  start.textContent = "Start again";
  document.documentElement.dataset["state"] = "done";
}

start.addEventListener("click", () => void run());
copyButtons();
