/** Streams pushed on to other servers and pulled from them. @module */
export { openRelays } from "./open.ts";
export type { RelayFacts } from "./relay.ts";
export type { Relays, RelayWish } from "./relays.ts";
