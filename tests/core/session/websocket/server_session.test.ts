import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { NEVER } from "../../../../core/base/mod.ts";
import { concat, latin1, latin1Bytes } from "../../../../core/bytes/mod.ts";
import {
  WEBSOCKET_LIMITS,
  type WebSocketEvent,
  WebSocketServerSession,
} from "../../../../core/session/websocket/mod.ts";
import { encodeFrame } from "../../../../core/wire/websocket/mod.ts";
import { mask } from "../../wire/websocket/mask.ts";

const KEY = Uint8Array.of(1, 2, 3, 4);
const client = (opcode: number, text: string, fin = true): Uint8Array =>
  mask(encodeFrame(opcode, latin1Bytes(text), fin), KEY);

class Probe {
  readonly session: WebSocketServerSession;
  constructor(limits = {}) {
    this.session = new WebSocketServerSession(limits, 0);
  }

  input(...frames: Uint8Array[]): this {
    this.session.handleInput(concat(frames), 0);
    return this;
  }

  /** Frames sent since the last call, in hexadecimal. */
  sent(): string {
    const sent: string[] = [];
    for (let out = this.session.pollTransmit(); out; out = this.session.pollTransmit()) {
      sent.push(Buffer.from(out).toString("hex"));
    }
    return sent.join(" ");
  }

  events(): string {
    const said: string[] = [];
    for (let event = this.session.pollEvent(); event; event = this.session.pollEvent()) {
      said.push(describeEvent(event));
    }
    return said.join(" ");
  }
}

function describeEvent(event: WebSocketEvent): string {
  if (event.kind === "message") return `${event.text ? "text" : "binary"}:${latin1(event.bytes)}`;
  if (event.kind === "closed") return `closed:${event.code}:${latin1(event.reason)}`;
  return event.kind === "fault" ? `fault:${event.fault.code}` : event.kind;
}

describe("RFC 6455 §5.4: fragments", () => {
  test("a message over three frames, control frames in between", () => {
    const probe = new Probe();
    probe.input(
      client(1, "a", false),
      client(9, "p"),
      client(0, "b", false),
      client(10, ""),
      client(0, "c"),
    );
    assert.equal(probe.events(), "text:abc");
    assert.equal(probe.sent(), "8a0170");
  });

  test("a message begun while another is unfinished is a fault, and so is a continuation of nothing", () => {
    for (const frames of [[client(1, "a", false), client(1, "b")], [client(0, "a")]]) {
      const probe = new Probe().input(...frames);
      assert.equal(probe.events(), "fault:bad-fragment closed:1002: end");
      assert.equal(probe.sent(), "880203ea");
    }
  });

  test("a message is bounded over all its fragments", () => {
    const probe = new Probe({ messageMaxBytes: 4 }).input(client(2, "abc", false), client(0, "de"));
    assert.equal(probe.events(), "fault:message-too-big closed:1009: end");
  });

  test("UTF-8 may be cut between fragments, but not at the end", () => {
    const good = new Probe().input(client(1, "\xe2\x82", false), client(0, "\xac"));
    assert.equal(good.events(), "text:\xe2\x82\xac");
    const bad = new Probe().input(client(1, "\xe2\x82"));
    assert.equal(bad.events(), "fault:bad-utf8 closed:1007: end");
  });
});

describe("RFC 6455 §5.5.2: Ping", () => {
  test("the last of several in one read is answered", () => {
    const probe = new Probe().input(client(9, "1"), client(9, "2"), client(9, "3"));
    assert.equal(probe.sent(), "8a0133");
  });

  test("none is answered while nothing drains", () => {
    const probe = new Probe();
    probe.session.answersPings = false;
    assert.equal(probe.input(client(9, "1")).sent(), "");
  });

  test("a silent client gets a Ping, and is given up after as long again", () => {
    const probe = new Probe();
    const ping = WEBSOCKET_LIMITS.pingMillis;
    assert.equal(probe.session.nextTimeout(), ping);
    probe.session.handleTimeout(ping);
    assert.equal(probe.sent(), "8900");
    probe.session.handleInput(client(10, ""), ping + 1);
    assert.equal(probe.session.nextTimeout(), 2 * ping + 1);
    probe.session.handleTimeout(2 * ping + 1);
    probe.session.handleTimeout(3 * ping + 1);
    assert.equal(probe.events(), "closed:1006: end destroy");
    assert.equal(probe.session.nextTimeout(), NEVER);
  });
});

describe("RFC 6455 §7: closing", () => {
  test("the client's Close is echoed; nothing is sent or heard after it", () => {
    const probe = new Probe().input(client(8, "\x03\xe8bye"), client(1, "late"));
    assert.equal(probe.sent(), "880203e8");
    assert.equal(probe.events(), "closed:1000:bye end");
    probe.session.send(true, latin1Bytes("late"));
    assert.equal(probe.sent(), "");
    probe.session.handleTimeout(WEBSOCKET_LIMITS.lingerMillis);
    assert.equal(probe.events(), "destroy");
  });

  test("a Close without a code is echoed without one", () => {
    const probe = new Probe().input(client(8, ""));
    assert.equal(probe.sent(), "8800");
    assert.equal(probe.events(), "closed:1005: end");
  });

  test("our Close waits for theirs, and messages that cross it are dropped", () => {
    const probe = new Probe();
    probe.session.close(1001, latin1Bytes("off"), 0);
    assert.equal(probe.sent(), "880503e96f6666");
    assert.equal(probe.input(client(1, "late")).events(), "");
    assert.equal(probe.input(client(8, "\x03\xe9")).events(), "closed:1001: end");
    assert.equal(probe.sent(), "");
  });

  test("a Close that is not answered ends after closeMillis", () => {
    const probe = new Probe();
    probe.session.close(1000, new Uint8Array(0), 0);
    probe.session.handleTimeout(WEBSOCKET_LIMITS.closeMillis);
    assert.equal(probe.events(), "closed:1006: end destroy");
  });

  test("FIN without Close is 1006", () => {
    const probe = new Probe();
    probe.session.handleEnd(0);
    assert.equal(probe.events(), "closed:1006: end");
  });
});

test("whatever the bytes, whatever the pieces: nothing throws, and pieces change no message", () => {
  const frame = fc
    .record({
      opcode: fc.constantFrom(0, 1, 2, 8, 9),
      text: fc.string({ maxLength: 5 }),
      fin: fc.boolean(),
    })
    .map(({ opcode, text, fin }) =>
      client(opcode, opcode === 8 ? `\x03\xe8${text}` : text, fin || opcode > 7),
    );
  const part = fc.oneof({ weight: 5, arbitrary: frame }, fc.uint8Array({ maxLength: 3 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
      const bytes = concat(parts);
      const whole = new Probe().input(bytes);
      const pieces = new Probe();
      for (let at = 0; at < bytes.length; at += size) pieces.input(bytes.subarray(at, at + size));
      assert.equal(pieces.events(), whole.events());
    }),
    { seed: 12, numRuns: 500 },
  );
});
