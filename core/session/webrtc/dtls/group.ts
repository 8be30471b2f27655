import type { EcdhGroup } from "../../../base/mod.ts";
import { NamedGroup } from "../../../wire/dtls/mod.ts";

export interface Group {
  readonly id: number;
  readonly name: EcdhGroup;
}

/** Ours, best first. */
export const GROUPS: readonly Group[] = [
  { id: NamedGroup.x25519, name: "x25519" },
  { id: NamedGroup.secp256r1, name: "secp256r1" },
  { id: NamedGroup.secp384r1, name: "secp384r1" },
];
