import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../../core/base/mod.ts";
import type { Hub, Publisher, SourceTrack } from "../../../core/stream/mod.ts";
import { decodeRtp, type RtpHeader } from "../../../core/wire/rtp/mod.ts";
import { demoClipBase64 } from "../../../server/assets.gen.ts";
import { Demo } from "../../../server/demo/demo.ts";
import { decodeDemoClip } from "../../../server/demo/demo_clip.ts";

const clip = decodeDemoClip(new Uint8Array(Buffer.from(demoClipBase64, "base64")));
const FU_A = 28;

interface Sent {
  readonly kind: "audio" | "video";
  readonly header: RtpHeader;
  readonly bytes: Uint8Array;
  readonly index: number;
  readonly now: number;
}

/** A demo that plays into a publisher who writes everything down, in virtual time. */
class Stage {
  now = 5000;
  readonly sent: Sent[] = [];
  ended = false;
  readonly demo: Demo;
  #wake: { readonly at: number; readonly call: () => void } | undefined;

  constructor() {
    const publisher = {
      ended: false,
      addTrack: () => true,
      put: (track: SourceTrack, bytes: Uint8Array, index: number, now: number) => {
        const header = decodeRtp(bytes);
        assert.ok(!isFault(header), String(header));
        this.sent.push({ kind: track.kind, header, bytes, index, now });
      },
      flush: () => {},
      end: () => {
        this.ended = true;
      },
    };
    this.demo = new Demo({
      runtime: {
        now: () => this.now,
        wakeAt: (at, call) => {
          const mine = { at, call };
          this.#wake = mine;
          return {
            [Symbol.dispose]: () => {
              if (this.#wake === mine) this.#wake = undefined;
            },
          };
        },
      },
      hub: { publish: () => publisher as unknown as Publisher } as unknown as Hub,
      afterInput: () => {},
    });
  }

  get sleeps(): boolean {
    return this.#wake !== undefined;
  }

  until(now: number): void {
    while (this.#wake !== undefined && this.#wake.at <= now) {
      const { at, call } = this.#wake;
      this.#wake = undefined;
      this.now = Math.max(this.now, at);
      call();
    }
    this.now = now;
  }

  of(kind: "audio" | "video"): Sent[] {
    return this.sent.filter((one) => one.kind === kind);
  }
}

function play(millis: number): Stage {
  const stage = new Stage();
  stage.demo.start();
  stage.until(5000 + millis);
  return stage;
}

describe("the demo stream, over two rounds and a half", () => {
  const stage = play(25_000);
  const video = stage.of("video");
  const audio = stage.of("audio");

  test("every packet is RTP of its track, numbered without a gap, and fits a path with room for SRTP", () => {
    for (const packets of [video, audio]) {
      for (const [i, { header, index, bytes }] of packets.entries()) {
        assert.equal(index, i);
        assert.equal(header.sequenceNumber, i & 0xffff);
        assert.equal(header.ssrc, packets[0]?.header.ssrc);
        assert.ok(bytes.length <= 12 + 1150);
      }
    }
    assert.deepEqual(new Set(video.map(({ header }) => header.payloadType)).size, 1);
    assert.notEqual(video[0]?.header.ssrc, audio[0]?.header.ssrc);
  });

  test("the NAL units of the clip come out of its packets, unit by unit (RFC 6184 §5.6 and §5.8)", () => {
    const units = clip.video.flatMap(({ nalUnits }) => nalUnits);
    const got = nalUnitsOf(video);
    assert.ok(got.length > 2 * units.length);
    for (const [i, unit] of got.entries()) assert.deepEqual(unit, units[i % units.length]);
  });

  test("the marker is on the last packet of each picture, and on no audio", () => {
    for (const [i, { header }] of video.entries()) {
      const next = video[i + 1];
      if (next === undefined) break;
      assert.equal(header.marker, next.header.timestamp !== header.timestamp, `packet ${i}`);
    }
    assert.ok(audio.every(({ header }) => !header.marker));
  });

  test("timestamps go on from round to round, and packets leave when they are due", () => {
    const pictures = new Set(video.map(({ header }) => header.timestamp));
    assert.deepEqual(
      [...pictures],
      Array.from({ length: pictures.size }, (_, i) => i * 3000),
    );
    assert.deepEqual(
      audio.map(({ header }) => header.timestamp),
      Array.from({ length: audio.length }, (_, i) => i * 960),
    );
    assert.equal(audio.length, 1251);
    for (const [packets, rate] of [
      [video, 90],
      [audio, 48],
    ] as const) {
      for (const { header, now } of packets) {
        assert.ok(Math.abs(header.timestamp / rate - (now - 5000)) < 1);
      }
    }
  });

  test("audio is the clip's packets", () => {
    for (const [i, { bytes, header }] of audio.entries()) {
      assert.deepEqual(bytes.subarray(header.payloadAt), clip.audio[i % clip.audio.length]?.packet);
    }
  });
});

test("a machine that slept for a minute gets no flood: the clip goes on from now", () => {
  const stage = play(1000);
  const before = stage.sent.length;
  const last = stage.of("audio").at(-1)?.header.timestamp ?? 0;
  stage.now += 60_000;
  stage.until(stage.now);
  const burst = stage.sent.length - before;
  assert.ok(burst < 60, `${burst} packets at once`);
  assert.equal(stage.of("audio")[51]?.header.timestamp, last + 960, "without a hole");
  stage.until(stage.now + 1000);
  assert.ok(Math.abs(stage.of("audio").length - 101) <= 2);
});

test("a fragment never has both its start and its end bit (RFC 6184 §5.8)", () => {
  for (const { bytes, header } of play(10_000).of("video")) {
    if (((bytes[header.payloadAt] ?? 0) & 0x1f) !== FU_A) continue;
    assert.notEqual((bytes[header.payloadAt + 1] ?? 0) & 0xc0, 0xc0);
  }
});

test("stop() ends the publisher and the timer", () => {
  const stage = play(100);
  stage.demo.stop();
  assert.ok(stage.ended);
  assert.ok(!stage.sleeps);
});

/** Single NAL units and FU-A fragments put together. */
function nalUnitsOf(packets: readonly Sent[]): Uint8Array[] {
  const units: Uint8Array[] = [];
  let open: number[] | undefined;
  for (const { bytes, header } of packets) {
    const payload = bytes.subarray(header.payloadAt, header.payloadEnd);
    const [indicator = 0, fu = 0] = payload;
    if ((indicator & 0x1f) !== FU_A) {
      assert.equal(open, undefined, "a unit inside of another");
      units.push(payload);
      continue;
    }
    if ((fu & 0x80) !== 0) {
      assert.equal(open, undefined);
      open = [(indicator & 0xe0) | (fu & 0x1f)];
    }
    assert.ok(open, "a fragment without a start");
    open.push(...payload.subarray(2));
    if ((fu & 0x40) !== 0) {
      units.push(Uint8Array.from(open));
      open = undefined;
    }
  }
  return units;
}
