import type { Publisher, Subscriber } from "../../core/stream/mod.ts";
import type { Client } from "./client.ts";

/** The clients there are, by all that leads to one. */
export class Clients {
  readonly #byUfrag = new Map<string, Client>();
  readonly #byId = new Map<string, Client>();
  readonly #byPublisher = new Map<Publisher, Client>();
  readonly #bySubscriber = new Map<Subscriber, Client>();

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

  /** Adds a client whose role is set. */
  add(client: Client): void {
    this.#byUfrag.set(client.ufrag, client);
    this.#byId.set(client.id, client);
    if (client.publishing) this.#byPublisher.set(client.publishing.publisher, client);
    if (client.viewing) this.#bySubscriber.set(client.viewing.subscriber, client);
  }

  delete(client: Client): void {
    this.#byUfrag.delete(client.ufrag);
    this.#byId.delete(client.id);
    if (client.publishing) this.#byPublisher.delete(client.publishing.publisher);
    if (client.viewing) this.#bySubscriber.delete(client.viewing.subscriber);
  }
}
