import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { nodeCrypto } from "../../runtime/common/crypto.ts";
import { makeDtlsCertificate } from "../../server/certificates.ts";

test("the DTLS certificate is self-signed with P-256, valid now and for about 30 days", async () => {
  const { chain, pkcs8, fingerprint } = await makeDtlsCertificate();
  assert.equal(chain.length, 1);
  const der = chain[0]!;
  const key = nodeCrypto.certificateKey(der);
  assert.equal(key?.type, "ec");
  assert.equal(key?.curve, "secp256r1");
  const data = Uint8Array.of(1, 2, 3);
  const signature = nodeCrypto.privateKey(pkcs8).sign("ecdsa", "sha256", data);
  assert.ok(key?.verify("ecdsa", "sha256", data, signature));
  const digest = nodeCrypto.hash("sha256", der);
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase());
  assert.equal(fingerprint, hex.join(":"));
  const certificate = new X509Certificate(der);
  assert.match(certificate.subject, /CN=monoport/);
  const days = (date: string): number => (Date.parse(date) - Date.now()) / 86_400_000;
  assert.ok(days(certificate.validFrom) < 0 && days(certificate.validFrom) > -2);
  assert.ok(days(certificate.validTo) > 29 && days(certificate.validTo) < 31);
});

test("no two DTLS certificates are the same", async () => {
  const [one, other] = await Promise.all([makeDtlsCertificate(), makeDtlsCertificate()]);
  assert.notEqual(one.fingerprint, other.fingerprint);
  assert.notDeepEqual(one.pkcs8, other.pkcs8);
});
