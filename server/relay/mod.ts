/** Streams pushed on to other servers and pulled from them. @module */
export type { RelayFacts } from "./relay.ts";
export { Relays, type RelayWish } from "./relays.ts";
