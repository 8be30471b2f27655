/** The door that every publisher and viewer comes in by. @module */
import type { Admission, Admit } from "../admit.ts";

/** Somebody who wants to publish or to play, as hooks are told of him. */
export interface Visitor extends Admission {
  /** The query of his URL, spelt as SRS spells it of his protocol; may hold secrets. */
  readonly param: string;
  /** As SRS tells it of his protocol; often empty. */
  readonly tcUrl: string;
  /** The page he comes from; often empty. */
  readonly pageUrl: string;
  /** What SRS calls the stream, where that is not its name: `livestream.m3u8`. */
  readonly file?: string;
}

/** Bytes of a client over all his time. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A visitor who may come in. Hooks are told of what becomes of him. */
export interface Visit {
  /** The id he has in the API from now on. */
  readonly id: string;
  /** His session is there. */
  began(): void;
  /** It is over; without `traffic` there never was one. Harmless twice. */
  left(traffic?: Traffic): void;
}

/** 429: he asks too often; 503: it cannot be said now. */
export interface Refused {
  readonly admitted: false;
  readonly status: 401 | 403 | 429 | 503;
  readonly reason: string;
}

/** `visit` is there when hooks are configured. */
export type Entered = { readonly admitted: true; readonly visit: Visit | undefined } | Refused;

/** Asks hooks. */
export interface Visits {
  enter(visitor: Visitor): Promise<Entered>;
}

export interface Door {
  readonly admit: Admit;
  /** Absent when no hooks are configured. */
  readonly hooks: Visits | undefined;
}

/** Asks admission, then the hooks: before anything is made for the visitor. */
export async function enter({ admit, hooks }: Door, visitor: Visitor): Promise<Entered> {
  const { action, app, stream, token, address } = visitor;
  const verdict = await admit({ action, app, stream, token, address });
  if (!verdict.admitted) return verdict;
  return hooks === undefined ? NO_VISIT : hooks.enter(visitor);
}

const NO_VISIT: Entered = { admitted: true, visit: undefined };
