import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { HashName, SignatureKind } from "../../core/base/crypto.ts";
import { ecdhKey, nodeCrypto } from "../../runtime/common/crypto.ts";

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ""), "hex"));
}
function hex(b: Uint8Array | undefined): string | undefined {
  return b && Buffer.from(b).toString("hex");
}
function text(s: string): Uint8Array {
  return new Uint8Array(Buffer.from(s, "latin1"));
}
function repeat(byte: number, count: number): Uint8Array {
  return new Uint8Array(count).fill(byte);
}

test("hashes of 'abc' are those of RFC 1321 and FIPS 180-4, in one part or several", () => {
  const expected: readonly [HashName, string][] = [
    ["md5", "900150983cd24fb0d6963f7d28e17f72"],
    ["sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "sha384",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    ],
    [
      "sha512",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ],
  ];
  for (const [name, digest] of expected) {
    assert.equal(hex(nodeCrypto.hash(name, text("abc"))), digest);
    assert.equal(hex(nodeCrypto.hash(name, text("a"), text(""), text("bc"))), digest);
    assert.equal(hex(nodeCrypto.hash(name)), hex(nodeCrypto.hash(name, text(""))));
  }
});

test("HMAC answers the vectors of RFC 2202 and RFC 4231", () => {
  const long = text("Test Using Larger Than Block-Size Key - Hash Key First");
  const cases: readonly [HashName, Uint8Array, Uint8Array, string][] = [
    ["md5", repeat(0x0b, 16), text("Hi There"), "9294727a3638bb1c13f48ef8158bfc9d"],
    ["sha1", repeat(0x0b, 20), text("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00"],
    ["sha1", repeat(0xaa, 20), repeat(0xdd, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"],
    ["sha1", repeat(0xaa, 80), long, "aa4ae5e15272d00e95705637ce8a3b55ed402112"],
  ];
  for (const [name, key, data, mac] of cases) {
    assert.equal(hex(nodeCrypto.hmac(name, key).sign(data)), mac);
  }
  const jefe: readonly [HashName, string][] = [
    ["sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"],
    ["sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
    [
      "sha384",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    ],
    [
      "sha512",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    ],
  ];
  for (const [name, mac] of jefe) {
    const hmac = nodeCrypto.hmac(name, text("Jefe"));
    const first = hmac.sign(text("what do ya want for nothing?"));
    assert.equal(hex(first), mac);
    hmac.sign(repeat(7, 5000));
    assert.equal(hex(hmac.sign(text("what do ya "), text("want for nothing?"))), mac);
    assert.equal(hex(first), mac, "an earlier result is not written over");
  }
});

test("AES-ECB answers FIPS 197 appendix C with one long-lived object", () => {
  const plaintext = bytes("00112233445566778899aabbccddeeff");
  const key = bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const expected: readonly [number, string][] = [
    [16, "69c4e0d86a7b0430d8cdb78070b4c55a"],
    [24, "dda97ca4864cdfe06eaf70a0ec0d7191"],
    [32, "8ea2b7ca516745bfeafc49904b496089"],
  ];
  for (const [size, block] of expected) {
    const ecb = nodeCrypto.aesEcb(key.subarray(0, size));
    const first = ecb.encrypt(plaintext);
    assert.equal(hex(first), block);
    for (const count of [2, 75, 1]) {
      const many = new Uint8Array(16 * count);
      for (let i = 0; i < count; i++) many.set(plaintext, 16 * i);
      assert.equal(hex(ecb.encrypt(many)), block.repeat(count));
    }
    assert.equal(hex(first), block);
  }
  assert.throws(() => nodeCrypto.aesEcb(new Uint8Array(15)));
});

const GCM_PLAINTEXT = bytes(`d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
  1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39`);
const GCM_AAD = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
const GCM_NONCE = bytes("cafebabefacedbaddecaf888");

test("AES-GCM answers test cases 1, 4 and 16 of the GCM specification", () => {
  const none = new Uint8Array(0);
  const zero = nodeCrypto.aesGcm(new Uint8Array(16));
  const tag = zero.seal(new Uint8Array(12), none, none);
  assert.equal(hex(tag), "58e2fccefa7e3061367f1d57a4e7455a");
  assert.deepEqual(zero.open(new Uint8Array(12), none, tag), none);
  const key = "feffe9928665731c6d6a8f9467308308";
  const cases: readonly [string, string][] = [
    [
      key,
      `42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05
       1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47`,
    ],
    [
      key + key,
      `522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838
       c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b`,
    ],
  ];
  for (const [k, sealed] of cases) {
    const gcm = nodeCrypto.aesGcm(bytes(k));
    assert.equal(hex(gcm.seal(GCM_NONCE, GCM_AAD, GCM_PLAINTEXT)), hex(bytes(sealed)));
    assert.equal(hex(gcm.open(GCM_NONCE, GCM_AAD, bytes(sealed))), hex(GCM_PLAINTEXT));
  }
});

test("AES-GCM opens nothing that was changed or cut anywhere", () => {
  const gcm = nodeCrypto.aesGcm(repeat(1, 16));
  const sealed = gcm.seal(GCM_NONCE, GCM_AAD, GCM_PLAINTEXT);
  for (let i = 0; i < sealed.length; i++) {
    const changed = sealed.slice();
    changed[i]! ^= 1 << (i & 7);
    assert.equal(gcm.open(GCM_NONCE, GCM_AAD, changed), undefined);
    assert.equal(gcm.open(GCM_NONCE, GCM_AAD, sealed.subarray(0, i)), undefined);
  }
  assert.equal(gcm.open(GCM_NONCE, GCM_AAD.subarray(1), sealed), undefined);
  assert.equal(gcm.open(repeat(0, 12), GCM_AAD, sealed), undefined);
  assert.throws(() => nodeCrypto.aesGcm(new Uint8Array(17)));
});

test("X25519 answers RFC 7748 §6.1", () => {
  const alice = ecdhKey(
    "x25519",
    bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
  );
  const bob = ecdhKey(
    "x25519",
    bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
  );
  assert.equal(
    hex(alice.publicKey),
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  );
  assert.equal(
    hex(bob.publicKey),
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  );
  const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  assert.equal(hex(alice.derive(bob.publicKey)), shared);
  assert.equal(hex(bob.derive(alice.publicKey)), shared);
});

test("X25519 refuses every point of low order and every wrong length (RFC 7748 §6.1)", () => {
  const key = nodeCrypto.ecdh("x25519");
  const low = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ];
  for (const point of low) assert.equal(key.derive(bytes(point)), undefined, point);
  for (const size of [0, 31, 33, 65]) assert.equal(key.derive(repeat(9, size)), undefined);
  assert.equal(key.derive(nodeCrypto.ecdh("x25519").publicKey)?.length, 32);
});

test("P-256 answers NIST CAVS ECC CDH COUNT = 0", () => {
  const key = ecdhKey(
    "secp256r1",
    bytes("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534"),
  );
  assert.equal(
    hex(key.publicKey),
    "04ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b23028af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141",
  );
  const peer = bytes(
    "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
  );
  assert.equal(
    hex(key.derive(peer)),
    "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b",
  );
});

test("NIST curves keep the zeros before x and refuse points off the curve, at infinity or not uncompressed", () => {
  for (const group of ["secp256r1", "secp384r1"] as const) {
    const size = group === "secp256r1" ? 32 : 48;
    const a = nodeCrypto.ecdh(group);
    assert.equal(a.publicKey.length, 1 + 2 * size);
    for (let i = 0; i < 40; i++) {
      const b = nodeCrypto.ecdh(group);
      const secret = a.derive(b.publicKey);
      assert.equal(secret?.length, size);
      assert.equal(hex(b.derive(a.publicKey)), hex(secret));
      const off = b.publicKey.slice();
      off[off.length - 1]! ^= 1;
      assert.equal(a.derive(off), undefined);
    }
    const peer = nodeCrypto.ecdh(group).publicKey;
    const compressed = peer.slice(0, 1 + size);
    compressed[0] = 2 | (peer[peer.length - 1]! & 1);
    const hybrid = peer.slice();
    hybrid[0] = 6 | (peer[peer.length - 1]! & 1);
    const bad = [compressed, hybrid, new Uint8Array(1), peer.subarray(1), new Uint8Array(0)];
    for (const point of bad) assert.equal(a.derive(point), undefined);
  }
});

describe("certificates", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "monoport-crypto-"));
    const kinds: readonly [string, string[]][] = [
      ["secp256r1", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
      ["secp384r1", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
      ["secp521r1", ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]],
      ["secp256k1", ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"]],
      ["rsa1024", ["rsa:1024"]],
      ["rsa4096", ["rsa:4096"]],
      ["ed25519", ["ed25519"]],
    ];
    for (const [name, newkey] of kinds) {
      const base = join(folder, name);
      openssl("req", "-x509", "-newkey", ...newkey, "-nodes", "-keyout", `${base}.key`, "-subj");
      openssl("pkcs8", "-topk8", "-nocrypt", "-in", `${base}.key`, "-outform", "der");

      function openssl(...args: string[]): void {
        const request = args[0] === "req";
        const rest = request ? ["/CN=test", "-days", "2", "-outform", "der"] : [];
        const out = `${base}.${request ? "der" : "p8"}`;
        execFileSync("openssl", [...args, ...rest, "-out", out], { stdio: "ignore" });
      }
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const load = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
  const data = text("signed data");

  function checkPair(name: string, kinds: readonly SignatureKind[], hashes: readonly HashName[]) {
    const key = nodeCrypto.certificateKey(load(`${name}.der`));
    const own = nodeCrypto.privateKey(load(`${name}.p8`));
    assert.ok(key);
    assert.equal(own.type, key.type);
    for (const kind of kinds) {
      for (const hash of hashes) {
        const signature = own.sign(kind, hash, data);
        const label = `${name} ${kind} ${hash}`;
        assert.equal(key.verify(kind, hash, data, signature), true, label);
        assert.equal(key.verify(kind, hash, text("signed date"), signature), false, label);
        assert.equal(key.verify(kind, hash, data, signature.subarray(1)), false, label);
        assert.equal(key.verify(kind, hash, data, new Uint8Array(0)), false, label);
        const changed = signature.slice();
        changed[changed.length - 1]! ^= 1;
        assert.equal(key.verify(kind, hash, data, changed), false, label);
        for (const other of ["ecdsa", "rsa-pkcs1", "rsa-pss"] as const) {
          if (other !== kind) assert.equal(key.verify(other, hash, data, signature), false, label);
        }
      }
    }
    return key;
  }

  test("P-256, P-384 and P-521 keys sign and verify ECDSA in DER (RFC 3279 §2.2.3)", () => {
    const hashes: readonly HashName[] = ["sha256", "sha384", "sha512"];
    assert.equal(checkPair("secp256r1", ["ecdsa"], [...hashes, "sha1"]).curve, "secp256r1");
    assert.equal(checkPair("secp384r1", ["ecdsa"], hashes).curve, "secp384r1");
    assert.equal(checkPair("secp521r1", ["ecdsa"], ["sha512"]).curve, "secp521r1");
  });

  test("RSA keys sign and verify PKCS #1 v1.5 and PSS with the salt of the hash (RFC 8017)", () => {
    const hashes: readonly HashName[] = ["sha1", "sha256", "sha384"];
    assert.equal(checkPair("rsa1024", ["rsa-pkcs1", "rsa-pss"], hashes).modulusBits, 1024);
    const big = checkPair("rsa4096", ["rsa-pkcs1", "rsa-pss"], ["sha256", "sha512"]);
    assert.equal(big.modulusBits, 4096);
    assert.equal(big.type, "rsa");
  });

  test("an OpenSSL signature verifies, so the format is not our own", () => {
    const key = nodeCrypto.certificateKey(load("secp256r1.der"));
    const args = ["dgst", "-sha256", "-sign", join(folder, "secp256r1.key")];
    const signature = execFileSync("openssl", args, { input: data });
    assert.equal(key?.verify("ecdsa", "sha256", data, new Uint8Array(signature)), true);
  });

  test("kinds of keys that DTLS does not use, and garbage, are no keys", () => {
    for (const name of ["secp256k1", "ed25519"]) {
      assert.equal(nodeCrypto.certificateKey(load(`${name}.der`)), undefined, name);
      assert.throws(() => nodeCrypto.privateKey(load(`${name}.p8`)), name);
    }
    const der = load("secp256r1.der");
    for (let i = 0; i < der.length; i += 7) {
      assert.equal(nodeCrypto.certificateKey(der.subarray(0, i)), undefined);
    }
    const longer = new Uint8Array(der.length + 1);
    longer.set(der);
    assert.equal(nodeCrypto.certificateKey(longer), undefined);
    const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
    assert.equal(nodeCrypto.certificateKey(text(pem)), undefined);
    assert.throws(() => nodeCrypto.privateKey(text("garbage")));
  });

  test("a certificate with any byte changed never throws", () => {
    const der = load("secp256r1.der");
    for (let i = 0; i < der.length; i += 3) {
      const changed = der.slice();
      changed[i]! ^= 0x55;
      const key = nodeCrypto.certificateKey(changed);
      key?.verify("ecdsa", "sha256", data, text("nonsense"));
    }
  });
});

test("results are plain Uint8Arrays, random ones differ, and comparing needs equal lengths", () => {
  const a = nodeCrypto.random(32);
  assert.equal(a.length, 32);
  assert.notDeepEqual(a, nodeCrypto.random(32));
  assert.equal(nodeCrypto.random(0).length, 0);
  for (const b of [a, nodeCrypto.hash("sha1", a), nodeCrypto.aesEcb(a).encrypt(a)]) {
    assert.equal(b.constructor, Uint8Array);
  }
  assert.equal(nodeCrypto.equal(a, a.slice()), true);
  assert.equal(nodeCrypto.equal(a, a.subarray(1)), false);
  assert.equal(nodeCrypto.equal(a, repeat(0, 32)), false);
});
