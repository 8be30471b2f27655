import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { isFault } from "../../../core/base/mod.ts";
import { latin1Bytes } from "../../../core/bytes/mod.ts";
import {
  Attr,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  decodeStun,
  encodeStun,
} from "../../../core/wire/stun/mod.ts";
import { nodeCrypto } from "../../../runtime/common/crypto.ts";
import { recorded } from "../../core/wire/sdp/recorded.ts";
import { post, type Running, start } from "../fixture.ts";
import { until } from "../rtc/client.ts";

const PLAY = recorded("chromium_play");
const FORGED = 600;

interface Session {
  readonly ufrag: string;
  readonly pwd: string;
}

async function sessionOf(server: Running, stream: string): Promise<Session> {
  const answer = await (await post(`${server.url}/whep/live/${stream}`, PLAY)).text();
  const value = (name: string): string =>
    new RegExp(`^a=${name}:(.*?)\r?$`, "m").exec(answer)?.[1] ?? "";
  return { ufrag: value("ice-ufrag"), pwd: value("ice-pwd") };
}

function check({ ufrag, pwd }: Session): Uint8Array {
  return encodeStun(
    {
      type: BINDING_REQUEST,
      transactionId: nodeCrypto.random(12),
      attributes: [
        { type: Attr.Username, value: latin1Bytes(`${ufrag}:peer`) },
        { type: Attr.IceControlling, value: new Uint8Array(8) },
      ],
    },
    nodeCrypto.hmac("sha1", latin1Bytes(pwd)),
  );
}

async function socket(t: TestContext): Promise<Socket> {
  const one = createSocket("udp4");
  t.after(() => one.close());
  one.bind(0, "127.0.0.1");
  await once(one, "listening");
  return one;
}

test("forged checks of a session are dropped unread beyond a rate, unanswered, and another's session is reached meanwhile", async (t) => {
  const server = await start();
  t.after(() => server.monoport.close());
  const dropped = (reason: string): number =>
    server.monoport.metrics.value("monoport_datagrams_dropped_total", reason);
  const known = await sessionOf(server, "known");
  const other = await sessionOf(server, "other");
  const forger = await socket(t);
  let answers = 0;
  forger.on("message", () => answers++);
  const come = (): number => dropped("unproven") + dropped("check-rate");
  const begun = performance.now();
  for (let i = 0; i < FORGED; i++) {
    forger.send(check({ ufrag: known.ufrag, pwd: "guessed" }), server.port, "127.0.0.1");
    // Within what a socket's buffer takes.
    if (i % 50 === 49) await until(() => come() === i + 1, "all have come");
  }
  // 200 at once, then 50 a second.
  const most = 200 + 50 * Math.ceil((performance.now() - begun) / 1000);
  assert.ok(dropped("unproven") <= most, `${dropped("unproven")} of ${most} were looked at`);
  assert.equal(answers, 0);

  const honest = await socket(t);
  const heard = once(honest, "message");
  honest.send(check(other), server.port, "127.0.0.1");
  const message = decodeStun(new Uint8Array((await heard)[0] as Buffer));
  assert.ok(!isFault(message));
  assert.equal(message.type, BINDING_SUCCESS);
});
