/**
 * All pushes and pulls: begins them when a stream goes live or somebody waits for it, ends them when
 * nobody does.
 *
 * @module
 */
import type { Millis } from "../../core/base/mod.ts";
import {
  type HubEvent,
  isBadStreamName,
  type Publisher,
  parseStreamName,
  type Stream,
  type StreamName,
  type Subscriber,
} from "../../core/stream/mod.ts";
import { AddressRanges } from "../address_ranges.ts";
import { word } from "../routes/envelope.ts";
import type { RtcContext } from "../rtc/context.ts";
import { AllowList } from "./allow_list.ts";
import type { RelayContext } from "./context.ts";
import { HttpClient } from "./http_client.ts";
import { Owners } from "./owners.ts";
import { Relay, type RelayFacts } from "./relay.ts";
import {
  fitsRule,
  parseTarget,
  type RelayKind,
  type RelayRule,
  tokenFor,
  urlFor,
} from "./rules.ts";

/** How long a push waits for the first packets of all tracks: one may be muted. */
const SETTLE_MILLIS: Millis = 1000;
/** How often viewers are looked for. */
const TICK_MILLIS: Millis = 250;

export interface RelaysOptions {
  readonly rtc: RtcContext;
  /** PEM of authorities trusted besides the runtime's. */
  readonly ca: string | undefined;
}

/** A relay asked for by the API. */
export interface RelayWish {
  readonly kind: RelayKind;
  readonly app: string;
  readonly stream: string;
  readonly url: string;
  readonly token: string | undefined;
}

export class Relays {
  /** The addresses of those who watch a stream, by its key, by whatever protocol. */
  readonly watchers: ((key: string) => Iterable<string>)[] = [];
  /** Our id in chains of servers; another one in every run. */
  readonly self: string;
  readonly #rtc: RtcContext;
  readonly #context: RelayContext;
  readonly #rules: readonly RelayRule[];
  readonly #relays = new Map<string, Relay>();
  readonly #owners: Owners;
  /** The servers that published streams came by, by stream. */
  readonly #publishedVia = new Map<string, readonly string[]>();
  #tick: Disposable | undefined;

  constructor({ rtc, ca }: RelaysOptions) {
    const { config, runtime } = rtc;
    const allow = new AllowList(config["relay.allow"]);
    this.self = word(runtime, 12);
    this.#rtc = rtc;
    const many = new AddressRanges([...config["proxy_protocol.from"], ...config.trusted_proxies]);
    this.#owners = new Owners(config["limits.relays_per_address"], many);
    this.#rules = [...config["relay.push"], ...config["relay.pull"]];
    this.#context = {
      rtc,
      allow,
      self: this.self,
      client: new HttpClient({ runtime, allow, ca }),
      via: (key) => this.viaOf(key),
    };
  }

  /** Begins what is always wanted. */
  start(): void {
    for (const rule of this.#rules) {
      if (rule.stream === "*") continue;
      const name = parseStreamName(rule.app, rule.stream);
      const relay = isBadStreamName(name) ? undefined : this.#demand(rule, name);
      const always = this.#rtc.config["relay.pull_when"] === "always";
      if (rule.kind === "pull" && always) relay?.start();
    }
    this.#wake();
  }

  close(): void {
    this.#tick?.[Symbol.dispose]();
    for (const relay of this.#relays.values()) relay.stop();
    this.#relays.clear();
  }

  facts(): readonly RelayFacts[] {
    return [...this.#relays.values()].map((relay) => relay.facts());
  }

  /** Adds a relay, or says in words why not. */
  add(wish: RelayWish): RelayFacts | string {
    const name = parseStreamName(wish.app, wish.stream);
    if (isBadStreamName(name)) return name.message;
    const url = parseTarget(wish.url);
    if (url === undefined) return `${JSON.stringify(wish.url)} is no http or https URL`;
    if (!this.#mayAsk(url)) return `${url.host} is not listed in relay.allow`;
    if (this.#find(wish.kind, name, url) !== undefined) return `${name.key} has this relay already`;
    const relay = this.#make(wish.kind, name, url, wish.token, true);
    if (relay === undefined) return "Too many relays (limits.relays)";
    this.#look(relay, this.#rtc.runtime.now());
    if (this.#tick === undefined) this.#wake();
    return relay.facts();
  }

  /** Ends a relay; false when there is none of that id. One of the configuration begins anew. */
  remove(id: string): boolean {
    const relay = this.#relays.get(id);
    relay?.stop();
    return this.#forget(id);
  }

  /** The servers that the stream has passed before us. */
  viaOf(key: string): readonly string[] {
    const publisher = this.#rtc.hub.stream(key)?.publisher;
    const pull = publisher && this.#pulling(publisher);
    return pull?.link?.farVia ?? this.#publishedVia.get(key) ?? [];
  }

  /** Somebody publishes, and came along `via`. */
  published(key: string, via: readonly string[]): void {
    this.#publishedVia.delete(key);
    if (via.length === 0) return;
    // Who publishes and sends nothing leaves no event behind.
    if (this.#publishedVia.size >= this.#rtc.config["limits.streams"]) {
      for (const one of this.#publishedVia.keys()) {
        if (this.#rtc.hub.stream(one) === undefined) this.#publishedVia.delete(one);
      }
    }
    this.#publishedVia.set(key, via);
  }

  /** Somebody plays, and came along `via`. */
  played(key: string, via: readonly string[]): void {
    const relay = this.#wantedPull(key);
    if (relay !== undefined && relay.state === "idle") relay.via = via;
    if (relay !== undefined) this.#look(relay, this.#rtc.runtime.now());
  }

  handleHubEvent(event: HubEvent): void {
    switch (event.type) {
      case "published":
        this.#push(event.stream);
        break;
      case "unpublished":
        this.#publishedVia.delete(event.stream.name.key);
        break;
      case "publisher-replaced":
        this.#pulling(event.publisher)?.stop();
        break;
      case "keyframe-request":
        this.#pulling(event.publisher)?.link?.requestKeyframe(event.ssrc);
        break;
      case "viewer-stalled":
        this.#pushing(event.subscriber)?.restart();
        break;
      case "format":
        for (const relay of this.#of(event.stream.name.key)) relay.checkFormats();
        this.#lookAt(event.stream);
        break;
      default:
        break;
    }
  }

  /** The stream is live: pushes of the configuration are made, and all of it begin. */
  #push(stream: Stream): void {
    for (const rule of this.#rules) {
      if (rule.kind === "push" && fitsRule(rule, stream.name)) this.#demand(rule, stream.name);
    }
    this.#lookAt(stream);
  }

  #lookAt(stream: Stream): void {
    const now = this.#rtc.runtime.now();
    for (const relay of this.#of(stream.name.key)) this.#look(relay, now);
  }

  #wake(): void {
    const { runtime } = this.#rtc;
    this.#tick?.[Symbol.dispose]();
    this.#tick = undefined;
    if (this.#rules.length + this.#relays.size === 0) return;
    this.#tick = runtime.wakeAt(runtime.now() + TICK_MILLIS, () => {
      this.#demandPulls();
      const now = runtime.now();
      for (const relay of this.#relays.values()) this.#look(relay, now);
      this.#wake();
    });
  }

  /** Streams that somebody waits for, and that another server may have. */
  #demandPulls(): void {
    const rules = this.#rules.filter((rule) => rule.kind === "pull" && rule.stream === "*");
    if (rules.length === 0) return;
    for (const stream of this.#rtc.hub.streams()) {
      if (stream.publisher !== undefined || !this.#isWatched(stream)) continue;
      for (const rule of rules) if (fitsRule(rule, stream.name)) this.#demand(rule, stream.name);
    }
  }

  #wantedPull(key: string): Relay | undefined {
    const stream = this.#rtc.hub.stream(key);
    if (stream === undefined || stream.publisher !== undefined) return undefined;
    for (const rule of this.#rules) {
      if (rule.kind === "pull" && fitsRule(rule, stream.name))
        return this.#demand(rule, stream.name);
    }
    return [...this.#of(key)].find(({ options }) => options.kind === "pull");
  }

  /** Begins what is wanted, and ends what has not been for a while. */
  #look(relay: Relay, now: Millis): void {
    const { kind, name, byApi } = relay.options;
    const stream = this.#rtc.hub.stream(name.key);
    const { config } = this.#rtc;
    const always = byApi || config["relay.pull_when"] === "always";
    const wanted =
      kind === "push"
        ? stream?.live === true
        : always || (stream !== undefined && this.#isWatched(stream));
    if (wanted) {
      relay.unwantedSince = undefined;
      relay.wantedSince ??= now;
      const ready =
        kind === "push" ? isSettled(stream, relay.wantedSince, now) : this.#isFree(relay);
      if (relay.state === "idle" && ready) relay.start();
      return;
    }
    relay.wantedSince = undefined;
    if (relay.state === "idle") {
      if (!byApi && this.#isPassing(relay)) this.#forget(relay.options.id);
      return;
    }
    relay.unwantedSince ??= now;
    const patience = config[kind === "push" ? "relay.push_idle" : "relay.pull_idle"];
    if (now - relay.unwantedSince >= patience) relay.stop();
  }

  #forget(id: string): boolean {
    this.#owners.delete(id);
    return this.#relays.delete(id);
  }

  /** Whether nobody else publishes the stream of a pull. */
  #isFree(relay: Relay): boolean {
    const publisher = this.#rtc.hub.stream(relay.options.name.key)?.publisher;
    return publisher === undefined || this.#pulling(publisher) === relay;
  }

  /** Whether a relay came of a rule for a whole app, and goes when it is not wanted. */
  #isPassing({ options }: Relay): boolean {
    return !this.#rules.some(
      (rule) => rule.kind === options.kind && rule.stream !== "*" && fitsRule(rule, options.name),
    );
  }

  /** Whether anybody watches or waits who is no push of ours. */
  #isWatched(stream: Stream): boolean {
    return (
      stream.viewers.some((viewer) => this.#pushing(viewer) === undefined) ||
      this.#watching(stream.name.key).next().done === false
    );
  }

  *#watching(key: string): Generator<string> {
    for (const watching of this.watchers) yield* watching(key);
  }

  /** The relay of a rule for a stream, made when it is not there. */
  #demand(rule: RelayRule, name: StreamName): Relay | undefined {
    const url = urlFor(rule, name);
    if (url === undefined) return undefined;
    const known = this.#find(rule.kind, name, url);
    if (known !== undefined) return known;
    // What has `*` is made of names that viewers think of.
    const bound = rule.kind === "pull" && rule.stream === "*";
    const owner = bound ? this.#owners.find(this.#watching(name.key)) : "";
    if (owner === undefined) {
      const { log } = this.#rtc;
      log.limited("warn", "Too many pulls for one address (limits.relays_per_address)", {
        stream: name.key,
      });
      return undefined;
    }
    const relay = this.#make(rule.kind, name, url, undefined, false);
    if (relay !== undefined) this.#owners.add(relay.options.id, owner);
    return relay;
  }

  #make(
    kind: RelayKind,
    name: StreamName,
    url: URL,
    token: string | undefined,
    byApi: boolean,
  ): Relay | undefined {
    const { runtime, config, log } = this.#rtc;
    if (this.#relays.size >= config["limits.relays"]) {
      log.limited("warn", "Too many relays (limits.relays)", { stream: name.key });
      return undefined;
    }
    const own = token === undefined ? [] : [`${url.host}=${token}`];
    const tokens = [...own, ...config["relay.token"]];
    const relay = new Relay({
      context: this.#context,
      id: word(runtime, 8),
      kind,
      name,
      url,
      token: (at) => tokenFor(tokens, at),
      byApi,
    });
    this.#relays.set(relay.options.id, relay);
    return relay;
  }

  #mayAsk(url: URL): boolean {
    const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
    return this.#context.allow.mayAsk(url.hostname.replace(/^\[(.*)\]$/, "$1"), port);
  }

  #find(kind: RelayKind, name: StreamName, url: URL): Relay | undefined {
    for (const relay of this.#of(name.key)) {
      if (relay.options.kind === kind && relay.options.url.href === url.href) return relay;
    }
    return undefined;
  }

  *#of(key: string): Iterable<Relay> {
    for (const relay of this.#relays.values()) if (relay.options.name.key === key) yield relay;
  }

  #pulling(publisher: Publisher): Relay | undefined {
    for (const relay of this.#relays.values()) {
      if (relay.link?.publisher === publisher) return relay;
    }
    return undefined;
  }

  #pushing(subscriber: Subscriber): Relay | undefined {
    for (const relay of this.#relays.values()) {
      if (relay.link?.subscriber === subscriber) return relay;
    }
    return undefined;
  }
}

/** Whether it is known what the stream sends, or has been waited for long enough. */
function isSettled(stream: Stream | undefined, since: Millis, now: Millis): boolean {
  const publisher = stream?.publisher;
  const known = (["audio", "video"] as const).every(
    (kind) => publisher?.[kind] === undefined || stream?.track(kind).format !== undefined,
  );
  return known || now - since >= SETTLE_MILLIS;
}
