import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat, latin1Bytes } from "../../../../core/bytes/mod.ts";
import { AGGREGATE_TAGS_MAX } from "../../../../core/session/rtmp/server_session.ts";
import { type Amf0Value, encodeAmf0, encodeEcmaArray } from "../../../../core/wire/amf0/mod.ts";
import {
  encodeControl,
  encodeMessage,
  encodeUserControl,
  HANDSHAKE_BYTES,
  MessageType,
  makeC0C1,
  UserControl,
} from "../../../../core/wire/rtmp/mod.ts";
import { nodeCrypto } from "../../../../runtime/common/crypto.ts";
import { Call, faultsOf, media } from "./call.ts";

test("ffmpeg's commands: every one is answered, in the order clients wait for", () => {
  const call = new Call().publish();
  assert.deepEqual(call.words, [
    ...["5", "6", "_result"], // window, bandwidth; Set Chunk Size is the reader's own
    ...["_result", "_result", "_result"],
    "NetStream.Publish.Start",
  ]);
  assert.deepEqual(
    call.events.map(({ type }) => type),
    ["publish"],
  );
});

test("OBS's sequence, with digests, a chunk size and metadata, in odd splits", () => {
  for (const pieces of [1, 2, 3, 7, 100, 1537, 4096]) {
    const call = new Call();
    call.pieces = pieces;
    call
      .shakeHands(true)
      .say(encodeControl(MessageType.SetChunkSize, 128))
      .connect()
      .command("releaseStream", null, "key?token=x")
      .command("FCPublish", null, "key?token=x")
      .command("createStream", null)
      .command("publish", null, "key?token=x", "live");
    const [asked] = call.events;
    assert.ok(asked?.type === "publish");
    assert.deepEqual(asked.target, {
      app: "live",
      stream: "key",
      query: "token=x",
      tcUrl: "rtmp://a/live",
    });
    call.session.accept(0);
    const metadata = encodeAmf0("@setDataFrame", "onMetaData", new Map([["width", 1280]]));
    const data = {
      chunkStream: 4,
      type: MessageType.DataAmf0,
      stream: 1,
      timestamp: 0,
      payload: metadata,
    };
    call.say(encodeMessage(data), media(9, 0, 0x17, 0, 0, 0, 0), media(8, 20, 0xaf, 1, 9));
    assert.deepEqual(
      call.events.slice(1).map((event) => event.type),
      ["metadata", "video", "audio"],
    );
    const audio = call.events.at(-1);
    assert.ok(audio?.type === "audio");
    assert.equal(audio.timestamp, 20);
    assert.deepEqual(audio.payload, Uint8Array.of(0xaf, 1, 9));
  }
});

test("OBS's sequence in random splits gives the same events and answers", () => {
  const chunkSize = 4096;
  const said = (name: string, transaction: number, ...more: readonly Amf0Value[]): Uint8Array => {
    const payload = encodeAmf0(name, transaction, ...more);
    const message = { chunkStream: 3, type: MessageType.CommandAmf0, stream: 0, timestamp: 0 };
    return encodeMessage({ ...message, payload }, chunkSize);
  };
  const asked = [
    makeC0C1(nodeCrypto, true),
    new Uint8Array(HANDSHAKE_BYTES),
    encodeControl(MessageType.SetChunkSize, chunkSize),
    said(
      "connect",
      1,
      new Map<string, Amf0Value>([
        ["app", "live"],
        ["type", "nonprivate"],
        ["flashVer", "FMLE/3.0 (compatible; FMSc/1.0)"],
        ["swfUrl", "rtmp://a/live"],
        ["tcUrl", "rtmp://a/live"],
      ]),
    ),
    said("releaseStream", 2, null, "key"),
    said("FCPublish", 3, null, "key"),
    said("createStream", 4, null),
    said("publish", 5, null, "key", "live"),
  ];
  const metadata = concat([
    encodeAmf0("@setDataFrame", "onMetaData"),
    encodeEcmaArray(
      new Map<string, Amf0Value>([
        ["width", 1280],
        ["encoder", "obs-output module"],
      ]),
    ),
  ]);
  const data = { chunkStream: 4, type: MessageType.DataAmf0, stream: 1, timestamp: 0 };
  const sent = [
    encodeMessage({ ...data, payload: metadata }, chunkSize),
    media(9, 0, 0x17, 0, 0, 0, 0),
    encodeMessage(
      { ...data, type: 9, timestamp: 33, payload: new Uint8Array(9000).fill(7) },
      chunkSize,
    ),
    media(8, 20, 0xaf, 1, 9),
    said("FCUnpublish", 6, null, "key"),
    said("deleteStream", 7, null, 1),
  ];
  const played = (sizes: readonly number[]): unknown => {
    const call = new Call();
    let turn = 0;
    for (const bytes of [concat(asked), concat(sent)]) {
      for (let at = 0; at < bytes.length; ) {
        const size = sizes[turn++ % sizes.length] ?? 1;
        call.say(bytes.slice(at, at + size));
        at += size;
      }
      call.session.accept(0);
    }
    return [call.events, call.words];
  };
  const whole = played([1_000_000]);
  assert.match(JSON.stringify(whole), /"metadata".*"video".*"video".*"audio".*"stopped"/);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }), (sizes) => {
      assert.deepEqual(played(sizes), whole);
    }),
    { seed: 7, numRuns: 60 },
  );
});

test("a publisher may be refused: the code tells a taken name from a denied one", () => {
  for (const [busy, code] of [
    [true, "NetStream.Publish.BadName"],
    [false, "NetStream.Publish.Denied"],
  ] as const) {
    const call = new Call().askToPublish();
    call.refuse(busy);
    assert.equal(call.words.at(-1), code);
    assert.equal(call.events.at(-1)?.type, "close");
    call.say(media(9, 0, 0x17));
    assert.equal(call.events.filter(({ type }) => type === "video").length, 0);
  }
});

test("media before it is accepted is passed over", () => {
  const call = new Call().askToPublish();
  call.say(media(9, 0, 0x17, 1));
  assert.deepEqual(
    call.events.map(({ type }) => type),
    ["publish"],
  );
});

test("deleteStream ends the stream, and the connection may publish again", () => {
  const call = new Call().publish();
  call.command("deleteStream", null, 1);
  assert.equal(call.events.at(-1)?.type, "stopped");
  assert.equal(call.words.at(-1), "NetStream.Unpublish.Success");
  call.command("createStream", null).command("publish", null, "again", "live");
  assert.equal(call.events.at(-1)?.type, "publish");
});

test("a play is told StreamBegin, Reset and Start, and its end", () => {
  const call = new Call().shakeHands().connect().command("createStream", null);
  call.command("play", null, "livestream");
  assert.equal(call.events.at(-1)?.type, "play");
  call.session.accept(0);
  call.session.send("video", 40, Uint8Array.of(0x17, 1));
  call.say(encodeUserControl(UserControl.SetBufferLength, 1));
  assert.deepEqual(call.words.slice(-5), [
    "4",
    "NetStream.Play.Reset",
    "NetStream.Play.Start",
    "18",
    "9",
  ]);
  assert.equal(call.heard.at(-1)?.timestamp, 40);
  call.end();
  assert.deepEqual(call.words.slice(-2), ["4", "NetStream.Play.UnpublishNotify"]);
});

test("a ping is answered with its time", () => {
  const call = new Call().publish().say(encodeUserControl(UserControl.PingRequest, 1234));
  assert.deepEqual(call.heard.at(-1)?.payload, Uint8Array.of(0, 7, 0, 0, 4, 0xd2));
});

test("what was received is acknowledged within the peer's window", () => {
  const call = new Call()
    .publish()
    .say(encodeControl(MessageType.WindowAcknowledgementSize, 100_000));
  const before = call.heard.length;
  for (let i = 0; i < 3; i++) {
    call.say(
      encodeMessage({
        chunkStream: 4,
        type: 9,
        stream: 1,
        timestamp: i,
        payload: new Uint8Array(40_000),
      }),
    );
  }
  assert.ok(call.heard.slice(before).some(({ type }) => type === MessageType.Acknowledgement));
});

test("an aggregate message is its tags, at their times from the message's on", () => {
  const tag = (type: number, time: number, byte: number): Uint8Array =>
    Uint8Array.of(type, 0, 0, 1, 0, 0, time, 0, 0, 0, 0, byte, 0, 0, 0, 12);
  const aggregate = (payload: Uint8Array): Uint8Array =>
    encodeMessage({
      chunkStream: 4,
      type: MessageType.Aggregate,
      stream: 1,
      timestamp: 1000,
      payload,
    });
  const call = new Call().publish();
  call.say(aggregate(concat([tag(9, 5, 1), tag(8, 7, 2)])));
  assert.deepEqual(
    call.events.slice(1).map((event) => "timestamp" in event && event.timestamp),
    [1000, 1002],
  );
  call.say(aggregate(tag(9, 5, 1).subarray(0, 12)));
  assert.equal(faultsOf(call)[0]?.code, "bad-aggregate");
});

test("an application with a path, a query, or the stream in it is read alike", () => {
  for (const [app, stream, expected] of [
    ["live", "s?token=1", "live s token=1"],
    ["live?token=1", "s", "live s token=1"],
    ["live/s", "", "live s "],
    ["live/", "s", "live s "],
    ["", "live/s", "live s "],
    ["a/b", "s", "a/b s "],
    ["live", "", "live  "],
  ] as const) {
    const call = new Call().shakeHands().connect(app).command("createStream", null);
    call.command("publish", null, stream, "live");
    const [asked] = call.events;
    assert.ok(asked?.type === "publish");
    const { target } = asked;
    assert.equal(`${target.app} ${target.stream} ${target.query}`, expected);
  }
});

test("what breaks the rules is a fault that closes", () => {
  const connected = (): Call => new Call().shakeHands().connect();
  const data = (payload: Uint8Array): Uint8Array =>
    encodeMessage({
      chunkStream: 3,
      type: MessageType.CommandAmf0,
      stream: 0,
      timestamp: 0,
      payload,
    });
  for (const [call, code] of [
    [new Call().say(latin1Bytes("\x06")), "bad-version"],
    [new Call().shakeHands().command("createStream", null), "not-connected"],
    [connected().connect(), "bad-command"],
    [connected().say(data(encodeAmf0(1, 2))), "bad-command"],
    [connected().say(data(Uint8Array.of(2, 0, 9))), "truncated"],
    [connected().command("publish", null, 5), "bad-command"],
    [new Call().askToPublish().command("publish", null, "x"), "bad-command"],
    [new Call().publish().say(Uint8Array.of(0xc9)), "no-message-header"],
  ] as const) {
    assert.equal(faultsOf(call)[0]?.code, code);
    assert.equal(call.events.at(-1)?.type, "close");
  }
});

test("commands without end are cut off", () => {
  const call = new Call().shakeHands().connect();
  for (let i = 0; i < 100; i++) call.command("_checkbw", null);
  assert.equal(faultsOf(call)[0]?.code, "too-many-commands");
});

test("publishing over and over again is cut off like other commands", () => {
  const call = new Call().publish();
  for (let i = 0; i < 40 && faultsOf(call).length === 0; i++) {
    call.command("deleteStream", null, 1).command("publish", null, "again", "live");
    call.session.accept(call.now);
  }
  assert.equal(faultsOf(call)[0]?.code, "too-many-commands");
});

test("who says nothing after deleteStream is closed, too", () => {
  const call = new Call().publish();
  call.until(5000);
  call.command("deleteStream", null, 1);
  call.until(14_999);
  assert.equal(faultsOf(call).length, 0);
  call.until(15_000);
  assert.equal(faultsOf(call)[0]?.code, "silent");
});

test("an aggregate has AGGREGATE_TAGS_MAX tags at most: each costs all that a message costs", () => {
  for (const tags of [AGGREGATE_TAGS_MAX, AGGREGATE_TAGS_MAX + 1, 500_000]) {
    const payload = new Uint8Array(16 * tags);
    for (let at = 0; at < payload.length; at += 16) payload.set([9, 0, 0, 1], at);
    const type = MessageType.Aggregate;
    const call = new Call().publish();
    const began = performance.now();
    call.say(encodeMessage({ chunkStream: 4, type, stream: 1, timestamp: 0, payload }));
    assert.ok(performance.now() - began < 6000);
    assert.ok(call.events.length <= AGGREGATE_TAGS_MAX + 3);
    const refused = tags > AGGREGATE_TAGS_MAX ? "bad-aggregate" : undefined;
    assert.equal(faultsOf(call)[0]?.code, refused);
  }
});

test("who says nothing is closed: before he publishes after 10 s, then after 30 s of silence", () => {
  for (const begin of [
    () => new Call(),
    () => new Call().shakeHands(),
    () => new Call().shakeHands().connect(),
    () => new Call().askToPublish(),
  ]) {
    const call = begin();
    call.until(9_999);
    assert.equal(faultsOf(call).length, 0);
    call.until(10_000);
    assert.equal(faultsOf(call)[0]?.code, "silent");
  }
  const call = new Call().publish();
  call.until(25_000);
  call.say(media(9, 0, 0x17, 1));
  call.until(54_999);
  assert.equal(faultsOf(call).length, 0);
  call.until(55_000);
  assert.equal(faultsOf(call)[0]?.code, "silent");
});
