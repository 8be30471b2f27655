/** What a certificate says, and what a browser would say of it. @module */
import "reflect-metadata"; // x509 asks for it, and must be loaded after it
import { SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";
import type { TlsPeer } from "../../core/base/mod.ts";
import { isAddress } from "../candidates/candidates.ts";
import { fingerprintOf } from "../certificates.ts";
import { type Line, line } from "./line.ts";

const DAY_MILLIS = 86_400_000;
/** With fewer days left, a renewal should have come. */
const SOON_DAYS = 7;

/** `wall` is now, in ms since the Unix epoch. */
export async function tlsLine(peer: TlsPeer, host: string, wall: number): Promise<Line> {
  const certificate = new X509Certificate(new Uint8Array(peer.certificate));
  const names = namesOf(certificate);
  const until = certificate.notAfter;
  const facts = [
    peer.protocol,
    names.join(" ") || certificate.subject,
    `until ${until.toISOString().slice(0, 10)}`,
    `SHA-256 ${await fingerprintOf(peer.certificate)}`,
  ].join(", ");
  const wrong = whatIsWrong(certificate, names, peer, host, wall);
  return line("TLS", wrong === "" ? "passes" : "limited", facts, wrong);
}

function whatIsWrong(
  certificate: X509Certificate,
  names: readonly string[],
  peer: TlsPeer,
  host: string,
  wall: number,
): string {
  const left = (certificate.notAfter.getTime() - wall) / DAY_MILLIS;
  if (left < 0) return "The certificate has expired: renew it. Browsers refuse it.";
  if (certificate.notBefore.getTime() > wall)
    return "The certificate is not valid yet: look at the clocks of both machines.";
  if (!names.some((name) => fits(name, host.toLowerCase())))
    return `The certificate is not for ${host}: use a name it is for, or another certificate.`;
  if (peer.untrusted !== "" && certificate.subject === certificate.issuer)
    return "The certificate is self-signed: browsers warn, and pages of other sites cannot connect.";
  if (peer.untrusted !== "")
    return `The certificate is not trusted here (${peer.untrusted}): is its chain whole?`;
  return left < SOON_DAYS ? `The certificate expires in ${Math.floor(left)} days: renew it.` : "";
}

function namesOf(certificate: X509Certificate): string[] {
  const alternatives = certificate.getExtension(SubjectAlternativeNameExtension);
  const items = alternatives?.names.items ?? [];
  const own = items.filter(({ type }) => type === "dns" || type === "ip");
  return own.map(({ value }) => value.toLowerCase());
}

/** RFC 6125 §6.4.3: a star is one whole label. */
function fits(name: string, host: string): boolean {
  if (name === host) return true;
  return !isAddress(host) && name === host.replace(/^[^.]+/, "*");
}
