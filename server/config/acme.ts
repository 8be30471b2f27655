/** The settings of ACME: certificates from a CA. @module */
import * as v from "valibot";
import { isAddress } from "../candidates/candidates.ts";
import { list, onOff, type Setting, setting } from "./types.ts";

export interface AcmeConfig {
  /** Domains to get certificates for; any turns TLS on, on every listener. */
  readonly "acme.domains": readonly string[];
  /** URL of the CA's directory. */
  readonly "acme.directory": string;
  /** Where the CA may write to; empty tells it none. */
  readonly "acme.email": string;
  /** Whether the operator agrees to the CA's terms of service. */
  readonly "acme.agree_tos": boolean;
  /** The external account that ours belongs to (RFC 8555 §7.3.4). */
  readonly "acme.eab_kid": string;
  /** Base64url. */
  readonly "acme.eab_hmac_key": string;
}

/** Domains with a certificate each. */
const DOMAINS_MAX = 50;
const DOMAIN_FORM =
  "host names as the DNS has them (IDNs as xn--...), separated by blanks or commas; no addresses, no wildcards, which cannot be validated on this port";

function isDomain(name: string): boolean {
  const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
  return name.length <= 253 && !isAddress(name) && name.split(".").every((one) => label.test(one));
}

type AcmeSettings = { readonly [Key in keyof AcmeConfig]: Setting<AcmeConfig[Key]> };

export const acmeSettings: AcmeSettings = {
  "acme.domains": setting(
    v.pipe(
      list,
      v.mapItems((name) => name.toLowerCase()),
      v.everyItem(isDomain, DOMAIN_FORM),
      v.maxLength(DOMAINS_MAX, `${DOMAINS_MAX} domains at most`),
    ),
    "",
    "domains to get certificates for by ACME",
  ),
  "acme.directory": setting(
    v.pipe(
      v.string(),
      v.regex(/^https:\/\/[^\s/]+\/\S*$/, "an https URL, as https://host/directory"),
    ),
    "https://acme-v02.api.letsencrypt.org/directory",
    "directory of the ACME server",
  ),
  "acme.email": setting(
    v.pipe(v.string(), v.regex(/^$|^[^\s,?&]+@[^\s,?&@]+$/, "a mail address")),
    "",
    "mail address the CA may write to",
  ),
  "acme.agree_tos": setting(onOff, "off", "agree to the CA's terms of service"),
  "acme.eab_kid": setting(v.string(), "", "key identifier of an external account"),
  "acme.eab_hmac_key": setting(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]*={0,2}$/, "base64url, as the CA gives it")),
    "",
    "key of the external account",
  ),
};
