import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { isFault } from "../../core/base/mod.ts";
import { latin1Bytes } from "../../core/bytes/mod.ts";
import {
  BINDING_SUCCESS,
  decodeStun,
  encodeStun,
  encodeXorMappedAddress,
  hasIntegrity,
} from "../../core/wire/stun/mod.ts";
import { loadRuntime } from "../../runtime/mod.ts";
import { makeCertificate } from "../../server/certificates.ts";
import { tlsLine } from "../../server/check/certificate.ts";
import { lineText } from "../../server/check/line.ts";
import { type CheckReport, parseCheck, runCheck } from "../../server/check/mod.ts";
import { freePort } from "../free_port.ts";
import { start } from "./fixture.ts";

const runtime = await loadRuntime();

async function check(...args: readonly string[]): Promise<CheckReport> {
  const options = parseCheck(args);
  if (typeof options === "string") throw new Error(options);
  return await runCheck(runtime, options);
}

/** `name: verdict` of each line. */
function verdicts(report: CheckReport): Readonly<Record<string, string>> {
  return Object.fromEntries(report.lines.map(({ name, verdict }) => [name, verdict]));
}

function lineOf(report: CheckReport, name: string): string {
  const found = report.lines.find((one) => one.name === name);
  return found === undefined ? `no line ${name}` : lineText(found);
}

async function listening(t: TestContext, server: Server | HttpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe("monoport check", () => {
  test("all that is offered passes: exit code 0, and the session is gone", async (t) => {
    const { monoport, port, url } = await start(["--rtc_server.protocol", "tcp"]);
    t.after(() => monoport.close());
    const report = await check(`127.0.0.1:${port}`);
    assert.deepEqual(verdicts(report), {
      TCP: "passes",
      TLS: "not offered",
      HTTP: "passes",
      "STUN over TCP": "passes",
      WHIP: "passes",
      WHEP: "passes",
      "WebRTC over TCP": "passes",
      "WebRTC over UDP": "not offered",
    });
    assert.equal(report.exitCode, 0);
    assert.match(lineOf(report, "HTTP"), /Monoport \d+\.\d+\.\d+ answers \/healthz 200/);
    assert.match(lineOf(report, "STUN over TCP"), /400 Bad Request/);
    assert.match(
      lineOf(report, "WebRTC over TCP"),
      /127\.0\.0\.1:\d+ answers .* and sees 127\.0\.0\.1:\d+/,
    );
    assert.match(lineOf(report, "WebRTC over UDP"), /rtc_server\.protocol all/);
    const { clients } = (await (await fetch(`${url}/api/v1/clients/`)).json()) as {
      clients: unknown[];
    };
    assert.deepEqual(clients, []);
  });

  test("HTTPS is found out, and a self-signed certificate is a limit: exit code 1", async (t) => {
    const { monoport, port } = await start(["--http_api.https.enabled", "on"]);
    t.after(() => monoport.close());
    for (const target of [`localhost:${port}`, `https://localhost:${port}/`]) {
      const report = await check(target);
      assert.equal(
        verdicts(report)["WebRTC over TCP"],
        "passes",
        lineOf(report, "WebRTC over TCP"),
      );
      assert.equal(verdicts(report)["TLS"], "limited");
      assert.match(
        lineOf(report, "TLS"),
        /TLSv1\.3, .*localhost.* until \d{4}-.* SHA-256 ([0-9A-F]{2}:){31}/,
      );
      assert.match(lineOf(report, "TLS"), /self-signed/);
      assert.equal(report.exitCode, 1);
    }
    const plain = await check(`http://localhost:${port}`);
    assert.equal(verdicts(plain)["TLS"], undefined, "not asked for");
    assert.equal(plain.exitCode, 0);
  });

  test("no listener: exit code 2, and nothing else is tried", async () => {
    const report = await check(`127.0.0.1:${await freePort()}`);
    assert.deepEqual(verdicts(report), { TCP: "blocked" });
    assert.match(lineOf(report, "TCP"), /Nothing listens there, or a firewall/);
    assert.equal(report.exitCode, 2);
  });

  test("a port that takes connections and says nothing is no server", async (t) => {
    const port = await listening(
      t,
      createServer((socket) => {
        socket.on("error", () => {});
        t.after(() => void socket.destroy());
      }),
    );
    const report = await check("--timeout", "0.2", `127.0.0.1:${port}`);
    assert.equal(verdicts(report)["TCP"], "passes");
    assert.equal(verdicts(report)["HTTP"], "blocked");
    assert.match(lineOf(report, "HTTP"), /The port is open and does not answer HTTP/);
    assert.equal(report.exitCode, 2);
  });

  test("another HTTP server: what it does not have is not offered", async (t) => {
    const port = await listening(
      t,
      createHttpServer((_, answer) => {
        answer.writeHead(404, { server: "stranger/1" }).end("nothing\u001b[2J");
      }),
    );
    const report = await check("--timeout", "1", `http://127.0.0.1:${port}`);
    assert.equal(verdicts(report)["WHIP"], "not offered");
    assert.equal(verdicts(report)["WHEP"], "not offered");
    assert.match(lineOf(report, "HTTP"), /stranger\/1 answers/);
    assert.match(lineOf(report, "WHEP"), /POST is 404: nothing\?\[2J/, "no escape sequence passes");
    assert.match(lineOf(report, "WHEP"), /--whep PATH/);
    assert.equal(verdicts(report)["STUN over TCP"], "blocked", "it answers STUN by HTTP");
    assert.equal(report.exitCode, 2);
  });

  test("a server that wants a token is asked for no session without one", async (t) => {
    const { monoport, port } = await start([], {
      admit: ({ token }) =>
        token === "secret"
          ? { admitted: true }
          : { admitted: false, status: 401, reason: "A token is wanted" },
    });
    t.after(() => monoport.close());
    const report = await check(`127.0.0.1:${port}`);
    assert.equal(verdicts(report)["WHEP"], "limited");
    assert.match(lineOf(report, "WHEP"), /POST is 401: A token is wanted\n +Give --token/);
    assert.equal(report.exitCode, 1, "STUN over TCP passes");
    assert.equal(verdicts(await check("--token", "secret", `127.0.0.1:${port}`))["WHEP"], "passes");
  });
});

describe("monoport check, over UDP", () => {
  const pwd = "0123456789abcdefghijklmnopqrstuv";

  /** A server whose answer names one UDP address, where its owner answers as the test wants. */
  async function stranger(t: TestContext, key: string | undefined): Promise<number> {
    const hmac = runtime.crypto.hmac("sha1", latin1Bytes(key ?? ""));
    const socket = createSocket("udp4", (bytes, from) => {
      const request = decodeStun(new Uint8Array(bytes));
      if (isFault(request) || key === undefined) return;
      assert.ok(
        hasIntegrity(request, runtime.crypto.hmac("sha1", latin1Bytes(pwd)), runtime.crypto),
      );
      const { transactionId } = request;
      const mapped = encodeXorMappedAddress({ host: from.address, port: from.port }, transactionId);
      const draft = { type: BINDING_SUCCESS, transactionId, attributes: [mapped] };
      socket.send(encodeStun(draft, hmac), from.port, from.address);
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    t.after(() => void socket.close());
    const candidate = `a=candidate:1 1 udp 1 127.0.0.1 ${socket.address().port} typ host`;
    const lines = [
      "v=0",
      "o=- 1 1 IN IP4 0.0.0.0",
      "s=-",
      "t=0 0",
      "m=video 9 UDP/TLS/RTP/SAVPF 96",
    ];
    const sdp = [...lines, "a=ice-ufrag:serverfr", `a=ice-pwd:${pwd}`, candidate, ""].join("\r\n");
    return await listening(
      t,
      createHttpServer((request, answer) => {
        const offer = request.method === "POST" && request.url === "/demo/whep";
        request.resume();
        answer
          .writeHead(offer ? 201 : 200, { "content-type": "application/sdp" })
          .end(offer ? sdp : "");
      }),
    );
  }
  const ask = (port: number): Promise<CheckReport> =>
    check("--timeout=1", "--whep=/demo/whep", `http://127.0.0.1:${port}`);

  test("an answer with the session's integrity passes, and tells our mapped address", async (t) => {
    const report = await ask(await stranger(t, pwd));
    assert.equal(verdicts(report)["WebRTC over UDP"], "passes", lineOf(report, "WebRTC over UDP"));
    assert.match(lineOf(report, "WebRTC over UDP"), /answers in .* sees 127\.0\.0\.1:\d+/);
    assert.equal(verdicts(report)["WebRTC over TCP"], "not offered");
    assert.equal(report.exitCode, 1, "HTTP alone on the port itself is a limit");
  });

  test("silence is blocked, and no media passes", async (t) => {
    const report = await ask(await stranger(t, undefined));
    assert.equal(verdicts(report)["WebRTC over UDP"], "blocked");
    assert.match(lineOf(report, "WebRTC over UDP"), /no answer in 1000 ms.*\n +No UDP passes/);
    assert.equal(report.exitCode, 2);
  });

  test("an answer under another password is another server's", async (t) => {
    const report = await ask(await stranger(t, "another password of 22+"));
    assert.equal(verdicts(report)["WebRTC over UDP"], "blocked");
    assert.match(lineOf(report, "WebRTC over UDP"), /is not the server of this session/);
  });
});

test("what is wrong with a certificate, most urgent first", async () => {
  const day = 86_400_000;
  const names = ["example.com", "*.example.org"];
  const { chain } = await makeCertificate({ days: 30, names });
  const [certificate = new Uint8Array()] = chain;
  const now = Date.now();
  const adviceOn = async (host: string, days: number, untrusted = ""): Promise<string> => {
    const peer = { protocol: "TLSv1.3", certificate, untrusted };
    return (await tlsLine(peer, host, now + days * day)).advice;
  };
  assert.equal(await adviceOn("example.com", 1), "");
  assert.equal(await adviceOn("a.example.org", 1), "");
  assert.match(await adviceOn("a.b.example.org", 1), /not for a\.b\.example\.org/);
  assert.match(await adviceOn("example.com", 31), /has expired/);
  assert.match(await adviceOn("example.com", -2), /not valid yet/);
  assert.match(await adviceOn("example.com", 26.5), /expires in 3 days/);
  assert.match(await adviceOn("example.com", 1, "SELF_SIGNED"), /self-signed/);
});

describe("the command line of check", () => {
  test("takes HOST:PORT, IPv6 in brackets, and URLs with their usual ports", () => {
    const at = (text: string): string => {
      const read = parseCheck([text]);
      return typeof read === "string" ? read : `${read.host} ${read.port} ${read.scheme ?? "any"}`;
    };
    assert.equal(at("example.com:8080"), "example.com 8080 any");
    assert.equal(at("[::1]:8080"), "::1 8080 any");
    assert.equal(at("https://example.com"), "example.com 443 https");
    assert.equal(at("http://example.com/page"), "example.com 80 http");
    for (const wrong of [
      "example.com",
      "8080",
      "example.com:99999",
      "a:b@c:80",
      "ftp://x:21",
      "x:80/y",
    ])
      assert.match(at(wrong), /Cannot read ".*it is HOST:PORT/, wrong);
  });

  for (const [wrong, why] of [
    [[], /Name one HOST:PORT/],
    [["a:1", "b:2"], /Name one HOST:PORT/],
    [["--nothing", "a:1"], /no option "--nothing"/],
    [["--timeout", "soon", "a:1"], /--timeout: cannot be "soon"; allowed: seconds/],
    [["--timeout", "0", "a:1"], /--timeout/],
    [["a:1", "--token"], /--token: a value is missing/],
    [["--stream", "demo", "a:1"], /--stream: .* APP\/STREAM/],
    [["--whep", "demo", "a:1"], /--whep: a path/],
    [["--token", "a\r\nb: c", "a:1"], /--token: no blanks/],
  ] as const) {
    test(`refuses ${JSON.stringify(wrong)}`, () => {
      const read = parseCheck(wrong);
      assert.match(typeof read === "string" ? read : "taken", why);
    });
  }
});
