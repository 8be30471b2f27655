/** A source's clock as its sender reports tell it (RFC 3550 §6.4.1). */
export class SenderClock {
  /** When the last report was made, on our wall clock (ms since the Unix epoch). */
  at: number | undefined;
  /** The track's timestamp at that time. */
  timestamp = 0;

  report(at: number, timestamp: number): void {
    this.at = at;
    this.timestamp = timestamp;
  }

  reset(): void {
    this.at = undefined;
  }
}
