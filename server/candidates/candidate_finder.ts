/** What an answer to a request offers: configuration, request and machine put together. @module */
import type { Endpoint, InterfaceAddress } from "../../core/base/mod.ts";
import { isPrivate } from "../address_ranges.ts";
import type { Config } from "../config/config.ts";
import { servesRtcTcp } from "../port/listening.ts";
import {
  type CandidatePorts,
  type CandidateSource,
  type Candidates,
  candidateAddresses,
  candidatePorts,
  canonical,
  hostOnly,
  isAddress,
  isLoopback,
  isWildcard,
  type PortFacts,
  parseCandidate,
  parseCandidates,
  type WrittenAddress,
} from "./candidates.ts";
import type { Names } from "./names.ts";

/** Most entries of the queries that are looked at. */
const QUERIES_MAX = 16;

/** A request, as far as it matters here. */
export interface CandidateRequest {
  /** Values of the `eip` and `candidate` queries. */
  readonly query: readonly string[];
  /** The host the client asked for. */
  readonly host: string;
  /** The port the client connected to, as far as HTTP tells. */
  readonly port: number | undefined;
  /** Where the connection came to. */
  readonly local: Endpoint;
  /** The client's address. */
  readonly address: string;
  /** Whether a proxy that speaks HTTP stands between. */
  readonly proxied: boolean;
}

export interface CandidateFinderOptions {
  readonly config: Config;
  readonly names: Names;
  readonly interfaces: () => readonly InterfaceAddress[];
  /** The ports listened on for TCP. */
  readonly ports: () => readonly number[];
  /** The port of WebRTC over UDP; absent when there is none. */
  readonly udpPort: () => number | undefined;
}

/** Finds candidates; one per server. */
export class CandidateFinder {
  readonly #options: CandidateFinderOptions;

  constructor(options: CandidateFinderOptions) {
    this.#options = options;
  }

  /** Looks up what is configured, so that a name that leads nowhere is told at the start. */
  async warm(): Promise<void> {
    await this.#resolve(this.#configured(), "configured");
  }

  async find(request: CandidateRequest): Promise<Candidates> {
    const { config } = this.#options;
    const found = config["rtc_server.use_auto_detect_network_ip"] ? this.#options.interfaces() : [];
    const ofClient = (address: string): boolean => mayTell(address, request.address, found);
    const asked = askedFor(request.query);
    const [query, configured, host] = await Promise.all([
      this.#resolve(asked, "query", request.address, ofClient),
      this.#resolve(this.#configured(), "configured"),
      asked.length > 0 ? [] : this.#hostAddresses(request, ofClient),
    ]);
    const sources = {
      query,
      configured,
      host,
      local: request.local,
      client: request.address,
      interfaces: found,
      family: config["rtc_server.ip_family"],
    };
    const ours = this.#options.ports();
    const facts = {
      local: request.local.port,
      client: request.port,
      proxied: request.proxied,
      ours,
    };
    const tcp = candidatePorts({ ...facts, media: this.#tcpPorts(ours) });
    const udpPort = this.#options.udpPort();
    return {
      tcp: servesRtcTcp(config) ? candidateAddresses(sources, tcp) : [],
      udp: udpPort === undefined ? [] : candidateAddresses(sources, udpPorts(facts, udpPort)),
    };
  }

  #configured(): WrittenAddress[] {
    const texts = this.#options.config["rtc_server.candidate"].filter((one) => !isWildcard(one));
    return texts.map(parseCandidate).filter((one) => one !== undefined);
  }

  /** Where media is taken: on every listener, unless one is named for it. */
  #tcpPorts(ours: readonly number[]): readonly number[] {
    const named = this.#options.config["rtc_server.tcp.listen"].map(({ port }) => port);
    return named.length === 0 || named.includes(0) ? ours : named;
  }

  async #hostAddresses(
    request: CandidateRequest,
    tells: (address: string) => boolean,
  ): Promise<readonly string[]> {
    const { config } = this.#options;
    const host = hostOnly(request.host);
    if (!config["rtc_server.api_as_candidates"] || host === "") return [];
    if (host === "localhost") return ["127.0.0.1"];
    if (isAddress(host)) return [canonical(host)];
    const name = { host, port: undefined };
    const addresses = await this.#resolve([name], "host", request.address, tells);
    return addresses.map((one) => one.host);
  }

  /**
   * Names as addresses, and as they are when they are to be kept: browsers do not connect by them
   * (tried with Chromium 156; Firefox never did), other clients may.
   */
  async #resolve(
    addresses: readonly WrittenAddress[],
    source: CandidateSource,
    asker?: string,
    tells: (address: string) => boolean = () => true,
  ): Promise<WrittenAddress[]> {
    const { config, names } = this.#options;
    const keeps = config["rtc_server.keep_api_domain"];
    const resolves = config["rtc_server.resolve_api_domain"];
    const each = await Promise.all(
      addresses.map(async (one) => {
        if (isAddress(one.host)) return [one];
        const found = resolves ? await names.addresses(one.host, asker) : [];
        const told = found.filter(tells).map((host) => ({ host, port: one.port }));
        // The operator's word stands where it is not to be looked up, the client's where it cannot be.
        const stands =
          source === "configured" ? !resolves : source === "query" && told.length === 0;
        return keeps || stands ? [...told, one] : told;
      }),
    );
    return each.flat();
  }
}

/** What the queries ask for; who asks for more gets the first ones. */
function askedFor(query: readonly string[]): WrittenAddress[] {
  return query.slice(0, QUERIES_MAX).flatMap(parseCandidates).slice(0, QUERIES_MAX);
}

/** A balancer that writes PROXY headers passes TCP: its port says nothing of UDP. */
function udpPorts(facts: Omit<PortFacts, "media">, port: number): CandidatePorts {
  return facts.ours.includes(facts.local)
    ? candidatePorts({ ...facts, media: [port] })
    : { outside: [port], own: port, reached: port };
}

/**
 * Whether a client may learn that a name he wrote has this address: anybody can ask for any name,
 * and what a private network calls its machines is not for those outside.
 */
function mayTell(address: string, client: string, own: readonly InterfaceAddress[]): boolean {
  if (isLoopback(address)) return isLoopback(client);
  return !isPrivate(address) || isPrivate(client) || own.some((one) => one.address === address);
}
