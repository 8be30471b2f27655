import type { Publisher, Subscriber } from "../../core/stream/mod.ts";
import { addressKey } from "../limits/address_key.ts";
import type { Sessions } from "../limits/sessions.ts";
import type { Client } from "./client.ts";

/** The clients there are, by all that leads to one. */
export class Clients {
  readonly #sessions: Sessions;
  readonly #held = new Map<Client, Disposable>();
  readonly #byUfrag = new Map<string, Client>();
  readonly #byId = new Map<string, Client>();
  readonly #byPublisher = new Map<Publisher, Client>();
  readonly #bySubscriber = new Map<Subscriber, Client>();
  readonly #byAddress = new Map<string, Set<Client>>();

  /** Each client holds one of `sessions`. */
  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): Client[] {
    return [...this.#byId.values()];
  }

  withId(id: string): Client | undefined {
    return this.#byId.get(id);
  }

  /** The one whose session answers to this local ufrag. */
  withUfrag(ufrag: string): Client | undefined {
    return this.#byUfrag.get(ufrag);
  }

  publishing(publisher: Publisher): Client | undefined {
    return this.#byPublisher.get(publisher);
  }

  watching(subscriber: Subscriber): Client | undefined {
    return this.#bySubscriber.get(subscriber);
  }

  /** Those of one address, as `addressKey` counts addresses. */
  from(address: string): ReadonlySet<Client> {
    return this.#byAddress.get(addressKey(address)) ?? NONE;
  }

  add(client: Client): void {
    this.#held.set(client, this.#sessions.begin(client.address, client.name.key, client.action));
    const key = addressKey(client.address);
    const same = this.#byAddress.get(key);
    if (same === undefined) this.#byAddress.set(key, new Set([client]));
    else same.add(client);
    for (const ufrag of client.ufrags) this.#byUfrag.set(ufrag, client);
    this.#byId.set(client.id, client);
    if (client.publishing) this.#byPublisher.set(client.publishing.publisher, client);
    if (client.viewing) this.#bySubscriber.set(client.viewing.subscriber, client);
  }

  /** From now on the client's session answers to this local ufrag too; false when it is over. */
  renew(client: Client, ufrag: string): boolean {
    if (this.#byId.get(client.id) !== client) return false;
    client.ufrags.add(ufrag);
    this.#byUfrag.set(ufrag, client);
    return true;
  }

  /** The client's session answers to this local ufrag no more. */
  retire(client: Client, ufrag: string): void {
    if (client.ufrags.delete(ufrag)) this.#byUfrag.delete(ufrag);
  }

  delete(client: Client): void {
    this.#held.get(client)?.[Symbol.dispose]();
    this.#held.delete(client);
    const key = addressKey(client.address);
    const same = this.#byAddress.get(key);
    same?.delete(client);
    if (same?.size === 0) this.#byAddress.delete(key);
    for (const ufrag of client.ufrags) this.#byUfrag.delete(ufrag);
    this.#byId.delete(client.id);
    if (client.publishing) this.#byPublisher.delete(client.publishing.publisher);
    if (client.viewing) this.#bySubscriber.delete(client.viewing.subscriber);
  }
}

const NONE: ReadonlySet<Client> = new Set();
