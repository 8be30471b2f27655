/** Which TLS is spoken, by OpenSSL's client; what that cannot offer any more, by a ClientHello made here. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Folder } from "../server/tls_client.ts";
import { type ServerProcess, startServer } from "../server_process.ts";
import { need } from "../tools.ts";

const AEAD =
  /Cipher is (TLS_(AES_(128|256)_GCM|CHACHA20)|ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM|CHACHA20))/;

/** What nobody may agree to any more, by number (IANA) and name. */
const REFUSED: readonly (readonly [suite: number, name: string])[] = [
  [0x0000, "TLS_NULL_WITH_NULL_NULL"],
  [0x0002, "TLS_RSA_WITH_NULL_SHA"],
  [0xc010, "TLS_ECDHE_RSA_WITH_NULL_SHA"],
  [0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"],
  [0x0008, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"],
  [0x0005, "TLS_RSA_WITH_RC4_128_SHA"],
  [0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"],
  [0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"],
  [0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"],
  [0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"],
  [0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"],
  [0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"],
  [0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"],
  [0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"],
  [0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"],
];
const ALLOWED: readonly (readonly [suite: number, name: string])[] = [
  [0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
  [0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
];

for (const runtime of ["node20", "node", "deno", "bun"] as const) {
  describe(`TLS on ${runtime}`, () => {
    const folder = new Folder();
    const servers: { kind: "ec" | "rsa"; server: ServerProcess }[] = [];
    before(async () => {
      const [cert, key] = [join(folder.path, "rsa.pem"), join(folder.path, "rsa.key")];
      const rsa = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=rsa",
      ];
      execFileSync(need("openssl"), [...rsa, "-keyout", key, "-out", cert], { stdio: "ignore" });
      const on = ["--demo", "off", "--http_api.https.enabled", "on"];
      const files = ["--http_api.https.cert", cert, "--http_api.https.key", key];
      servers.push({ kind: "ec", server: await startServer({ runtime, args: on }) });
      servers.push({
        kind: "rsa",
        server: await startServer({ runtime, args: [...on, ...files] }),
      });
    });
    after(async () => {
      for (const { server } of servers) await server.stop();
      folder.remove();
    });

    test("TLS 1.3 and 1.2 by themselves, with ECDHE and AEAD alone", () => {
      for (const { server } of servers) {
        for (const version of ["-tls1_3", "-tls1_2"]) {
          const said = openssl(server, version);
          assert.match(said, AEAD);
          assert.match(
            said,
            version === "-tls1_3" ? /New, TLSv1\.3/ : /New, TLSv1\.2|Protocol {2}: TLSv1\.2/,
          );
        }
        for (const cipher of [
          "AES256-GCM-SHA384",
          "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256",
        ])
          assert.match(openssl(server, "-tls1_2", "-cipher", cipher), /Cipher is \(NONE\)/, cipher);
      }
    });

    test("TLS 1.0 and 1.1 are refused", () => {
      for (const { server } of servers) {
        for (const version of ["-tls1", "-tls1_1"]) {
          const said = openssl(server, version, "-cipher", "ALL:@SECLEVEL=0");
          assert.match(said, /SSL alert number (40|70)/);
          assert.match(said, /Cipher is \(NONE\)/);
        }
      }
    });

    test("NULL, export, RC4, 3DES, anonymous, CBC and RSA key exchange are refused, each alone and all at once", async () => {
      for (const { kind, server } of servers) {
        const all = REFUSED.map(([suite]) => suite);
        for (const suites of [...all.map((suite) => [suite]), all])
          assert.equal(await answerTo(server.port, suites), "alert", `${kind} ${suites.join()}`);
        const [allowed = 0] = ALLOWED[kind === "ec" ? 0 : 1] ?? [];
        assert.equal(await answerTo(server.port, [...all, allowed]), allowed, kind);
      }
    });
  });
}

/** What OpenSSL's client prints of a handshake. */
function openssl(server: ServerProcess, ...args: string[]): string {
  const run = spawnSync(
    need("openssl"),
    ["s_client", "-connect", `127.0.0.1:${server.port}`, ...args],
    { input: "", encoding: "latin1", timeout: 60_000 },
  );
  return run.stdout + run.stderr;
}

/** A TLS 1.2 ClientHello with these suites: the one the ServerHello names, or that an alert came. */
function answerTo(port: number, suites: readonly number[]): Promise<number | string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(clientHello(suites)));
    const chunks: Buffer[] = [];
    const look = (): void => {
      const all = Buffer.concat(chunks);
      if (all[0] === 21) resolve("alert");
      else if (all[0] === 22 && all.length > 44 + (all[43] ?? 0) + 2)
        resolve(all.readUInt16BE(44 + (all[43] ?? 0)));
      else return;
      socket.destroy();
    };
    socket.setTimeout(60_000, () => socket.destroy(new Error("no answer")));
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      look();
    });
    socket.on("end", () => resolve("closed"));
    socket.on("error", reject);
  });
}

function clientHello(suites: readonly number[]): Buffer {
  const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
  const vector = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
  const extension = (type: number, data: Buffer): Buffer =>
    Buffer.concat([u16(type), vector(data)]);
  const groups = vector(Buffer.concat([29, 23, 24].map(u16)));
  const schemes = vector(Buffer.concat([0x0403, 0x0804, 0x0401, 0x0201, 0x0203].map(u16)));
  const extensions = [
    extension(10, groups),
    extension(11, Buffer.of(1, 0)),
    extension(13, schemes),
  ];
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    Buffer.of(0),
    vector(Buffer.concat(suites.map(u16))),
    Buffer.of(1, 0),
    vector(Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.of(1, 0), u16(body.length), body]);
  return Buffer.concat([Buffer.of(22, 3, 1), vector(message)]);
}
