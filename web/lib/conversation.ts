/** One WHIP or WHEP session of a page: opened, watched, ended, and told in words. @module */
import { pageLoaded } from "./dom.ts";
import { deleteSession, postOffer, RefusedError } from "./exchange.ts";
import { restartIce } from "./ice_restart.ts";
import { Path } from "./path.ts";
import { endpoint, type Settings } from "./settings.ts";
import { type Figures, StatsReader } from "./stats.ts";
import { inWords, noConnection } from "./words.ts";

/**
 * `waiting` is connected without media, `interrupted` is a connection that may come back,
 * `failed` one that will not; `message` of the conversation says what is the matter.
 */
export type State =
  | "idle"
  | "connecting"
  | "waiting"
  | "live"
  | "interrupted"
  | "failed"
  | "stopped";

const lookMillis = 500;
/** Before a failed conversation is opened again: doubled each time, up to a bound. */
const retryMillis = { first: 3_000, most: 15_000 };
/** Who was connected for so long begins with the first one anew. */
const goodMillis = 10_000;
const goodbyeMillis = 1_000;
/** A connection may come back by itself before ICE is restarted for it. */
const restartMillis = 2_000;

export abstract class Conversation {
  readonly settings: Settings;
  /** Called whenever state, message or figures have changed. */
  onchange: () => void = () => {};
  /** Open a failed conversation again by itself. */
  retries = false;
  state: State = "idle";
  message = "";
  pc: RTCPeerConnection | undefined;
  /** The session on the server. */
  session: URL | undefined;
  figures: Figures | undefined;
  /** It failed because no address of the server's could be reached: /diagnose may tell why. */
  unconnected = false;

  protected abstract readonly kind: "whip" | "whep";
  #reader: StatsReader | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Counts openings, so that what an earlier one still waits for is thrown away. */
  #turn = 0;
  #answer = "";
  readonly #path: Path;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #restart: ReturnType<typeof setTimeout> | undefined;
  /** ICE was restarted for this interruption. */
  #restarted = false;
  #wasConnected = false;
  #connectedAt = Number.POSITIVE_INFINITY;
  /** Failures since it last was connected for long. */
  #failures = 0;

  constructor(settings: Settings) {
    this.settings = settings;
    this.#path = new Path(settings.transport);
    addEventListener("pagehide", () => {
      if (this.pc !== undefined) this.stop();
    });
  }

  /** Adds tracks and transceivers; after a wait `pc` may be closed, which means never mind. */
  protected abstract prepare(pc: RTCPeerConnection): void | Promise<void>;
  /** Judges the figures of this half second against those before. */
  protected abstract look(figures: Figures, before: Figures | undefined): void;
  /** The connection is there, media not yet. */
  protected abstract connected(): void;

  /** Opens the session, and ends the one there was. */
  async start(): Promise<void> {
    this.#path.reset();
    this.#failures = 0;
    await this.#open("Connecting …");
  }

  /** `again`: no person asked for it; what `prepare` took is kept. */
  async #open(words: string, again = false): Promise<void> {
    this.#end(again);
    const turn = this.#turn;
    this.tell("connecting", words);
    await pageLoaded();
    if (turn !== this.#turn) return;
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    try {
      this.#watch(pc);
      await this.prepare(pc);
      if (turn !== this.#turn) return;
      await pc.setLocalDescription();
      // The server is ICE-lite and learns our address from our checks: no candidate of ours is
      // waited for.
      const offer = pc.localDescription?.sdp ?? "";
      const url = endpoint(this.settings, this.kind);
      const { sdp, session } = await postOffer(url, offer, this.settings.token);
      if (turn !== this.#turn) {
        deleteSession(session, this.settings.token);
        return;
      }
      this.session = session;
      this.#path.answer = sdp;
      this.#answer = this.#path.narrowed(sdp);
      this.#deadline = setTimeout(() => this.#notConnected(), this.#path.millis);
      await pc.setRemoteDescription({ type: "answer", sdp: this.#answer });
    } catch (error) {
      if (turn === this.#turn) this.#fail(inWords(error), mayPass(error));
    }
  }

  stop(): void {
    this.#end();
    this.tell("stopped", "Stopped.");
  }

  /** Looks for a new path to the server; media goes on over the old one while there is none. */
  async restartIce(): Promise<void> {
    const { pc, session } = this;
    if (pc === undefined || session === undefined) return;
    const narrowed = (sdp: string): string => this.#path.narrowed(sdp);
    const { token } = this.settings;
    const renewed = await restartIce(pc, session, this.#answer, token, narrowed);
    if (pc === this.pc) this.#answer = renewed;
  }

  protected tell(state: State, words: string): void {
    const message = state === "live" ? words + this.#path.note : words;
    if (state === this.state && message === this.message) return;
    this.state = state;
    this.message = message;
    this.onchange();
  }

  #watch(pc: RTCPeerConnection): void {
    this.pc = pc;
    this.#reader = new StatsReader(pc);
    this.#ticker = setInterval(() => void this.#look(pc), lookMillis);
    pc.addEventListener("connectionstatechange", () => {
      if (pc === this.pc) this.#connectionChanged(pc.connectionState);
    });
  }

  #connectionChanged(state: RTCPeerConnectionState): void {
    if (state === "connected") {
      clearTimeout(this.#deadline);
      this.#wasConnected = true;
      this.#connectedAt = Math.min(this.#connectedAt, performance.now());
      this.#restarted = false;
      if (this.pc !== undefined) this.#awaitGoodbye(this.pc);
      this.connected();
    } else if (state === "disconnected") {
      this.tell("interrupted", "The connection is interrupted; waiting for it to come back.");
      this.#restart = setTimeout(() => void this.#recover(), restartMillis);
    } else if (state === "failed" && this.#wasConnected && !this.#restarted) {
      void this.#recover();
    } else if (state === "failed") {
      if (this.#wasConnected) this.#fail("The connection was lost.", true);
      else this.#notConnected();
    }
  }

  /** DTLS close_notify: the session is over, and who plays on asks another server at once. */
  #awaitGoodbye(pc: RTCPeerConnection): void {
    const [transport] = [...pc.getReceivers(), ...pc.getSenders()].flatMap(
      (one) => one.transport ?? [],
    );
    if (transport === undefined) return;
    transport.onstatechange = () => {
      if (pc !== this.pc || transport.state !== "closed") return;
      this.#fail("The server has ended the session.", true, goodbyeMillis);
    };
  }

  /** Tries the other transport; when there is none left, says what was tried. */
  #notConnected(): void {
    const other = this.#path.fallBack(this.figures?.protocol ?? "");
    if (other !== undefined) {
      void this.#open(`No connection yet; trying ${other.toUpperCase()} alone …`, true);
      return;
    }
    const words = noConnection(this.#path.tried);
    this.#fail(words, true);
    this.unconnected = true;
    this.onchange();
  }

  /** One try by a restart of ICE, then by a new session. */
  async #recover(): Promise<void> {
    const { pc } = this;
    if (pc === undefined || pc.connectionState === "connected") return;
    this.#restarted = true;
    try {
      await this.restartIce();
    } catch (error) {
      // While the server cannot be reached the old connection may still come back.
      const hopeless = error instanceof RefusedError || pc.connectionState === "failed";
      if (pc === this.pc && hopeless) this.#fail("The connection was lost.", true);
    }
  }

  async #look(pc: RTCPeerConnection): Promise<void> {
    const figures = await this.#reader?.read();
    if (pc !== this.pc || figures === undefined) return;
    const before = this.figures;
    this.figures = figures;
    if (pc.connectionState === "connected") this.look(figures, before);
    this.onchange();
  }

  /** `millis`: within how long to begin again, if it has gone well so far. */
  #fail(words: string, mayPass: boolean, millis: number = retryMillis.first): void {
    if (performance.now() - this.#connectedAt > goodMillis) this.#failures = 0;
    const again = this.retries && mayPass;
    this.#end(again);
    const doubled = retryMillis.first * 2 ** this.#failures;
    const most = this.#failures === 0 ? millis : Math.min(retryMillis.most, doubled);
    // Not all of them in the same moment.
    const wait = most * (most === goodbyeMillis ? Math.random() : 1 + Math.random() * 0.2);
    this.#failures++;
    const soon = most === goodbyeMillis ? "now" : `in ${Math.round(wait / 1000)} s`;
    this.tell("failed", again ? `${words} Trying again ${soon}.` : words);
    if (again) this.#retry = setTimeout(() => this.#again(), wait);
  }

  #again(): void {
    this.#path.reset();
    void this.#open("Connecting …", true);
  }

  /** Closes the connection and tells the server; the last words stay. */
  #end(again = false): void {
    this.#turn++;
    this.unconnected = false;
    clearTimeout(this.#deadline);
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    clearTimeout(this.#restart);
    this.pc?.close();
    deleteSession(this.session, this.settings.token);
    this.pc = undefined;
    this.session = undefined;
    this.figures = undefined;
    this.#reader = undefined;
    this.#wasConnected = false;
    this.#connectedAt = Number.POSITIVE_INFINITY;
    this.#restarted = false;
    this.ended(again);
  }

  /** Lets go of what `prepare` took, or keeps it for another try. */
  protected ended(_again: boolean): void {}
}

/** Whether the same request may do better later. */
function mayPass(error: unknown): boolean {
  if (error instanceof RefusedError)
    return error.status >= 500 || [409, 429].includes(error.status);
  return !(error instanceof DOMException);
}
