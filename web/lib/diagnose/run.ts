/** All tests, one after another. @module */
import type { Settings } from "../settings.ts";
import { inWords } from "../words.ts";
import {
  addressCheck,
  blocked,
  passes,
  rateCheck,
  roundTripCheck,
  rtcCheck,
  type Tried,
  type Way,
} from "./advice.ts";
import {
  type Candidate,
  type Check,
  type CheckName,
  hostAndPort,
  type Transport,
} from "./checks.ts";
import { type RtcResult, testRtc } from "./rtc.ts";
import {
  httpDown,
  httpRoundTrip,
  httpUp,
  readFacts,
  type ServerFacts,
  webSocketRoundTrip,
} from "./server.ts";

const transports = ["tcp", "udp"] as const;
const rateName = { tcp: "tcp-rate", udp: "udp-rate" } as const;

/** Told of each check as it begins (`undefined`) and as it is known. */
export type OnCheck = (name: CheckName, check: Check | undefined) => void;

interface Session extends Tried {
  readonly down: RtcResult | undefined;
  /** Why there is none, when the server refused. */
  readonly refusal: string;
}

export class Diagnosis {
  readonly checks: Map<CheckName, Check> = new Map();
  readonly #settings: Settings;
  readonly #onCheck: OnCheck;
  readonly #trips = new Map<string, number>();
  facts: ServerFacts | undefined;
  candidates: readonly Candidate[] = [];

  constructor(settings: Settings, onCheck: OnCheck) {
    this.#settings = settings;
    this.#onCheck = onCheck;
  }

  async run(): Promise<void> {
    await this.#http();
    if (this.facts === undefined) return;
    await this.#webSocket();
    const sessions = new Map<Transport, Session>();
    for (const transport of transports) {
      this.#onCheck(transport, undefined);
      sessions.set(transport, await this.#session(transport, this.facts));
    }
    this.#judge(sessions, this.facts);
    await this.#httpRate(this.facts);
    for (const transport of transports) await this.#rtcRate(transport, sessions.get(transport));
  }

  check(name: CheckName): Check {
    return this.checks.get(name) ?? blocked("", "Not tested.");
  }

  #tell(name: CheckName, check: Check): void {
    this.checks.set(name, check);
    this.#onCheck(name, check);
  }

  async #http(): Promise<void> {
    this.#onCheck("http", undefined);
    const { origin } = this.#settings;
    try {
      this.facts = await readFacts(origin);
      this.#trips.set("HTTP", await httpRoundTrip(origin));
      const { version, proxied } = this.facts;
      const through = proxied.length === 0 ? "" : `, through a proxy (${proxied.join(", ")})`;
      this.#tell("http", passes(`Monoport ${version}${through}`));
    } catch (error) {
      this.facts = undefined;
      const advice = `The server's API does not answer (${inWords(error)}): it is off, or something on the way blocks it.`;
      this.#tell("http", blocked("", advice));
    }
  }

  async #webSocket(): Promise<void> {
    this.#onCheck("websocket", undefined);
    try {
      this.#trips.set("WebSocket", await webSocketRoundTrip(this.#settings.origin));
      this.#tell("websocket", passes(""));
    } catch (error) {
      const advice =
        "Something on the way does not pass the Upgrade of HTTP on, as nginx does not unless it is told to (proxy_set_header Upgrade). WebRTC does not need it.";
      this.#tell("websocket", blocked(inWords(error), advice));
    }
  }

  async #session(transport: Transport, facts: ServerFacts): Promise<Session> {
    const none = { outcome: "not offered", candidates: [], reached: false } as const;
    if (!facts.webrtc) return { ...none, down: undefined, refusal: "The server serves no WebRTC." };
    try {
      const down = await testRtc(this.#settings, transport, "down", facts.max_kbps);
      if (down.candidates.length > 0) this.candidates = down.candidates;
      if (down.roundTripMillis !== undefined)
        this.#trips.set(`WebRTC over ${transport.toUpperCase()}`, down.roundTripMillis);
      return { ...down, down, refusal: "" };
    } catch (error) {
      return { ...none, down: undefined, refusal: inWords(error) };
    }
  }

  #judge(sessions: ReadonlyMap<Transport, Session>, facts: ServerFacts): void {
    const { origin } = this.#settings;
    const way: Way = { page: placeOf(origin), proxied: proxySigns(facts, origin) };
    for (const [transport, session] of sessions) {
      const other = sessions.get(transport === "tcp" ? "udp" : "tcp");
      const check = rtcCheck(transport, session, way, other?.outcome === "connected");
      const { refusal } = session;
      this.#tell(transport, refusal === "" ? check : { ...check, advice: refusal });
    }
    this.#tell("round-trip", roundTripCheck(this.#trips));
    const [tcp, udp] = transports.map((transport) => sessions.get(transport)?.down?.from);
    const behindNat = sessions.get("udp")?.down?.behindNat ?? false;
    this.#tell("address", addressCheck({ http: facts.address, tcp, udp, behindNat }));
  }

  async #httpRate({ max_kbps: maxKbps, upload_bytes: largest }: ServerFacts): Promise<void> {
    this.#onCheck("http-rate", undefined);
    const { origin } = this.#settings;
    const down = await httpDown(origin).catch(() => undefined);
    const up = await httpUp(origin, largest).catch(() => undefined);
    const check = rateCheck({ down, up, maxKbps, limitation: "" });
    const nothing = down === undefined && up === undefined;
    this.#tell(
      "http-rate",
      nothing ? blocked("", "Neither download nor upload went through.") : check,
    );
  }

  async #rtcRate(transport: Transport, session: Session | undefined): Promise<void> {
    const name = rateName[transport];
    const { down } = session ?? {};
    const maxKbps = this.facts?.max_kbps ?? 0;
    if (down?.outcome !== "connected") {
      this.#tell(name, { ...this.check(transport), facts: "", advice: "" });
      return;
    }
    this.#onCheck(name, undefined);
    try {
      const up = await testRtc(this.#settings, transport, "up", maxKbps);
      const upKbps = up.outcome === "connected" ? up.kbps : undefined;
      const { limitation } = up;
      this.#tell(name, rateCheck({ down: down.kbps, up: upKbps, maxKbps, limitation }));
    } catch (error) {
      const check = rateCheck({ down: down.kbps, up: undefined, maxKbps, limitation: "" });
      this.#tell(name, { ...check, advice: `${check.advice} ${inWords(error)}`.trim() });
    }
  }
}

/** Host and port, the port written even where URLs leave it out. */
function placeOf(origin: string): string {
  const { protocol, hostname, port } = new URL(origin);
  const plain = hostname.replace(/^\[|\]$/g, "");
  return hostAndPort(plain, Number(port) || (protocol === "https:" ? 443 : 80));
}

/** A proxy that hides well still asks for another host than this page did. */
function proxySigns({ proxied, host }: ServerFacts, origin: string): string[] {
  const asked = new URL(origin).host;
  return host === asked ? [...proxied] : [...proxied, `Host ${host} for ${asked}`];
}
