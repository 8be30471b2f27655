/** Milliseconds on the caller's monotonic clock. Core never reads a clock itself. */
export type Millis = number;

/** `nextTimeout()` of a machine that waits for nothing. */
export const NEVER: Millis = Number.POSITIVE_INFINITY;

/**
 * The shape of every protocol session in core.
 *
 * One contract for the driver: after any `handle*` call or command, drain `pollTransmit` and
 * `pollEvent` until both return `undefined`, then read `nextTimeout` once.
 *
 * Methods come in four kinds: `handle*` (from the network or the clock), commands (verbs, from
 * the application), `poll*` (to either), and plain getters.
 */
export interface Machine<Input, Transmit, Event> {
  /** Feeds what arrived. `input` is only borrowed: copy what must outlive the call. */
  handleInput(input: Input, now: Millis): void;
  /** Lets timers fire. Early and repeated calls are harmless. */
  handleTimeout(now: Millis): void;
  /** Next thing to put on the wire, oldest first. Its bytes belong to the caller. */
  pollTransmit(): Transmit | undefined;
  /** Next thing the owner should know, oldest first. */
  pollEvent(): Event | undefined;
  /** When `handleTimeout` is due, or `NEVER`. */
  nextTimeout(): Millis;
}
