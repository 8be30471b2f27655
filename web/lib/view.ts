/**
 * Shows a conversation: its state as `data-state`, its words, its figures; and gives it to tests.
 *
 * @module
 */
import type { Conversation, State } from "./conversation.ts";
import { element, showPairs } from "./dom.ts";
import { type Figures, figuresInWords, StatsReader } from "./stats.ts";

/** What automated tests look at: `window.monoport`. */
export interface PageHandle {
  readonly pc: RTCPeerConnection | undefined;
  readonly state: State;
  /** What the page says about it. */
  readonly message: string;
  /** The session on the server, as in Location. */
  readonly session: string | undefined;
  /** What the page read last, at most half a second ago. */
  readonly figures: Figures | undefined;
  /** A fresh reading; rates are over the time since the reading before. */
  stats(): Promise<Figures | undefined>;
  start(): Promise<void>;
  stop(): void;
  restartIce(): Promise<void>;
}

declare global {
  interface Window {
    monoport?: PageHandle;
  }
}

const stateWords: Readonly<Record<State, string>> = {
  idle: "ready",
  connecting: "connecting",
  waiting: "waiting",
  live: "live",
  interrupted: "interrupted",
  failed: "failed",
  stopped: "stopped",
};

export function showState(state: State, words: string, protocol: string): void {
  const { dataset } = document.documentElement;
  dataset["state"] = state;
  dataset["protocol"] = protocol;
  element("state", HTMLElement).textContent = stateWords[state];
  const message = element("message", HTMLElement);
  if (message.textContent !== words) message.textContent = words;
}

export function showConversation(conversation: Conversation): void {
  const { state, message, figures } = conversation;
  showState(state, message, figures?.protocol ?? "");
  const why = document.getElementById("why");
  if (why instanceof HTMLAnchorElement) {
    why.hidden = !conversation.unconnected;
    const { origin } = conversation.settings;
    // Another server tests its own way.
    if (origin !== location.origin) why.href = new URL("/diagnose", origin).href;
    why.search = location.search;
  }
  const list = document.getElementById("figures");
  if (list !== null && conversation.figures !== undefined) {
    showPairs(list, figuresInWords(conversation.figures));
  }
}

export function exposeConversation(conversation: Conversation): void {
  let reader: StatsReader | undefined;
  let readerOf: RTCPeerConnection | undefined;
  window.monoport = {
    get pc() {
      return conversation.pc;
    },
    get state() {
      return conversation.state;
    },
    get message() {
      return conversation.message;
    },
    get session() {
      return conversation.session?.href;
    },
    get figures() {
      return conversation.figures;
    },
    async stats() {
      const { pc } = conversation;
      if (pc === undefined) return undefined;
      // A reader of its own, so that rates do not depend on when the page looked last.
      if (readerOf !== pc) reader = new StatsReader(pc);
      readerOf = pc;
      return await reader?.read();
    },
    start: () => conversation.start(),
    stop: () => conversation.stop(),
    restartIce: () => conversation.restartIce(),
  };
}
