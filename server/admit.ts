/**
 * Admission: every way in asks here before anything is created for a peer. All are admitted until
 * an operator configures otherwise.
 *
 * @module
 */

/** What a peer wants to do. */
export interface Admission {
  readonly action: "publish" | "play";
  readonly app: string;
  readonly stream: string;
  /** Bearer token of the request, or its `token` query; empty when there is none. */
  readonly token: string;
  /** The peer's IP address, as seen behind trusted proxies. */
  readonly address: string;
}

/** `reason` is told to the peer; 503: it cannot be said now, and he may try again. */
export type Verdict =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly status: 401 | 403 | 503; readonly reason: string };

export type Admit = (wanted: Admission) => Verdict | Promise<Verdict>;

export const admitAll: Admit = () => ({ admitted: true });
