import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { ValidationResponder } from "../../../../core/session/acme_tls/mod.ts";
import { INPUT_MAX_BYTES } from "../../../../core/session/acme_tls/responder.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { makeValidation } from "../../../../server/tls/acme/validation.ts";
import { need } from "../../../tools.ts";

const AUTHORIZATION = "token.thumbprint";
const shown = await makeValidation("media.example", AUTHORIZATION);

/** What one connection of a client said, in chunks, and how it ended. */
interface Recorded {
  readonly said: Uint8Array[];
  over: "done" | "failed" | undefined;
}

/** Answers connections on a port of its own. */
async function serve(t: TestContext): Promise<{ port: number; recorded: Recorded }> {
  const recorded: Recorded = { said: [], over: undefined };
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    const responder = new ValidationResponder(nodeCrypto, shown);
    socket.on("error", () => {});
    socket.on("data", (chunk: Uint8Array) => {
      recorded.said.push(new Uint8Array(chunk));
      responder.handleInput(chunk);
      for (let out = responder.pollTransmit(); out; out = responder.pollTransmit())
        socket.write(out);
      recorded.over = responder.over;
      if (responder.over) socket.end();
    });
  });
  t.after(() => server.close());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { port: (server.address() as AddressInfo).port, recorded };
}

/** Runs OpenSSL's client to its end; what it prints. */
async function client(port: number, ...more: string[]): Promise<string> {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "media.example"];
  const child = spawn(need("openssl"), [...args, "-alpn", "acme-tls/1", ...more], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 10_000,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
  }
  await once(child, "close");
  return text;
}

for (const [what, ...args] of [
  ["with what it offers by itself"],
  ["with TLS 1.2 alone", "-tls1_2"],
  [
    "with AES-256 and P-256",
    "-tls1_2",
    "-cipher",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "-groups",
    "P-256",
  ],
]) {
  test(`OpenSSL's client is shown the certificate and agrees on acme-tls/1, ${what}`, async (t) => {
    const { port, recorded } = await serve(t);
    const text = await client(port, ...args);
    assert.equal(recorded.over, "done", text);
    assert.match(text, /ALPN protocol: acme-tls\/1/);
    assert.match(text, /Protocol {0,4}: ?TLSv1\.2|New, TLSv1\.2/);
    const [pem = ""] =
      /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(text) ?? [];
    assert.deepEqual(new Uint8Array(new X509Certificate(pem).raw), shown.certificate);
  });
}

test("the certificate names the domain alone and has the digest in a critical acmeIdentifier", async (t) => {
  const child = spawn(need("openssl"), ["x509", "-inform", "DER", "-noout", "-text"], {
    timeout: 10_000,
  });
  t.after(() => child.kill());
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  child.stdin.end(shown.certificate);
  await once(child, "close");
  assert.match(text, /1\.3\.6\.1\.5\.5\.7\.1\.31: critical/);
  assert.match(text, /X509v3 Subject Alternative Name: *\n *DNS:media\.example\n/);
  const digest = createHash("sha256").update(AUTHORIZATION).digest();
  const der = Buffer.from(shown.certificate);
  assert.ok(der.includes(Buffer.concat([Buffer.of(4, 32), digest])));
});

test("what is not TLS 1.2 with ECDHE_ECDSA and AES-GCM gets a fatal alert", async (t) => {
  const { port } = await serve(t);
  assert.match(await client(port, "-tls1_3"), /alert protocol version/);
  const rsa = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"];
  assert.match(await client(port, ...rsa), /alert handshake failure/);
  const cbc = ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"];
  assert.match(await client(port, ...cbc), /alert handshake failure/);
});

test("any flipped byte, cut or excess of input ends the handshake, and nothing throws", async (t) => {
  const { port, recorded } = await serve(t);
  await client(port, "-tls1_2");
  assert.equal(recorded.over, "done");
  const hello = recorded.said[0] ?? new Uint8Array(0);
  const answers = (bytes: Uint8Array, piece: number): ValidationResponder => {
    const responder = new ValidationResponder(nodeCrypto, shown);
    for (let at = 0; at < bytes.length; at += piece)
      responder.handleInput(bytes.subarray(at, at + piece));
    return responder;
  };
  assert.equal(answers(hello, 1).pollTransmit()?.[0], 22, "in single bytes it is answered");
  for (let at = 0; at < hello.length; at++) {
    const damaged = hello.slice();
    damaged[at] = damaged[at]! ^ 0xff;
    answers(damaged, damaged.length);
    assert.equal(answers(hello.slice(0, at), at || 1).pollTransmit(), undefined, `cut at ${at}`);
  }
  // The same hello again where a ClientKeyExchange belongs; then Finished without its keys.
  const twice = answers(hello, hello.length);
  twice.handleInput(hello);
  assert.equal(twice.over, "failed");
  for (const second of recorded.said.slice(1)) {
    const other = answers(hello, hello.length);
    other.handleInput(second);
    assert.equal(other.over, "failed", "the Finished of another handshake is refused");
    other.handleInput(second);
  }
  const large = new ValidationResponder(nodeCrypto, shown);
  const record = Uint8Array.of(22, 3, 1, 0x40, 0, 1, 0, 0x80, 0, ...new Uint8Array(0x3ffc));
  large.handleInput(record);
  assert.equal(large.over, undefined);
  large.handleInput(record);
  assert.equal(large.over, "failed", `more than ${INPUT_MAX_BYTES} bytes`);
});
