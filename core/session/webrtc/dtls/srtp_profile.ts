import type { SrtpProfile } from "../../../base/mod.ts";
import { SrtpProtectionProfile } from "../../../wire/dtls/mod.ts";

/** The number a profile has in use_srtp. */
export function profileNumber(profile: SrtpProfile): number {
  return SrtpProtectionProfile[profile];
}
