/** From master keys to what protects packets. @module */
import type { CryptoProvider, SrtpKeys, SrtpLanes } from "../../base/mod.ts";
import type { CounterBlocks } from "./counter_mode.ts";
import { CounterTransform } from "./counter_transform.ts";
import { GcmTransform } from "./gcm_transform.ts";
import { deriveRtcpKeys, deriveRtpKeys } from "./key_derivation.ts";
import { srtpProfileInfo } from "./profile.ts";
import type { Transform } from "./transform.ts";

/**
 * The transform of SRTP, or of SRTCP, for one direction. `blocks` is scratch space, shared by
 * transforms that are used one after another; `lanes` are for an engine. Throws on keys of a wrong length: they are ours.
 */
export function createTransform(
  crypto: CryptoProvider,
  keys: SrtpKeys,
  purpose: "rtp" | "rtcp",
  blocks: CounterBlocks,
  lanes?: SrtpLanes,
): Transform {
  const session = purpose === "rtp" ? deriveRtpKeys(crypto, keys) : deriveRtcpKeys(crypto, keys);
  const transform = srtpProfileInfo(keys.profile).aead
    ? new GcmTransform(crypto, session)
    : new CounterTransform(crypto, session, blocks, lanes);
  // The native objects have their own copies.
  session.key.fill(0);
  session.authKey.fill(0);
  return transform;
}
