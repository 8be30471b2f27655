/** A publisher over a network that loses, repeats and reorders, in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault, type Millis } from "../../../../core/base/mod.ts";
import { u8, u16, u32 } from "../../../../core/bytes/mod.ts";
import { decodeRtcp, isRtcp } from "../../../../core/wire/rtcp/mod.ts";
import { extendIndex } from "../../../../core/wire/rtp/mod.ts";
import { type DatagramMachine, Network } from "../../../sim/network.ts";
import { Receiving, rtp, VIDEO } from "./publishing.ts";

const SSRC = 20;
const RTX_SSRC = 21;
const FRAME_MILLIS = 40;
const PARTS = 10;

/** Sends frames of ten packets, and again what is asked for. */
class Camera implements DatagramMachine<undefined> {
  readonly framesAt: Millis[] = [];
  nacked = 0;
  repairs = 0;
  plis = 0;
  packets = 0;
  /** By transport-wide number: the arrival reported last in 250 us, NaN for lost. */
  readonly reported = new Map<number, number>();
  readonly #sent = new Map<number, readonly number[]>();
  readonly #out: Uint8Array[] = [];
  #index = 65_000;
  #rtxIndex = 0;
  #transport = 65_000;
  #due: Millis = 0;

  handleInput(bytes: Uint8Array): void {
    const packets = decodeRtcp(bytes);
    assert.ok(!isFault(packets));
    for (const one of packets) {
      if (one.type === "pli") this.plis++;
      if (one.type === "nack") for (const sequence of one.lost) this.#repeat(sequence);
      if (one.type !== "twcc") continue;
      let time = one.referenceTime * 256;
      for (const [i, delta] of one.deltas.entries()) {
        const number = (one.baseSequence + i) & 0xffff;
        time += delta ?? 0;
        if (delta !== undefined) this.reported.set(number, time);
        else if (!this.reported.has(number)) this.reported.set(number, Number.NaN);
      }
    }
  }

  handleTimeout(now: Millis): void {
    if (now < this.#due) return;
    this.#due = now + FRAME_MILLIS;
    const frame = this.framesAt.push(now) - 1;
    for (let part = 0; part < PARTS; part++) {
      const payload = [0x41, frame >> 8, frame & 0xff, part];
      const index = this.#index++;
      this.#sent.set(index & 0xffff, payload);
      this.#send({ payloadType: 96, ssrc: SSRC, index, payload, timestamp: frame * 3600 });
    }
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift();
  }

  pollEvent(): undefined {
    return undefined;
  }

  nextTimeout(): Millis {
    return this.#due;
  }

  #repeat(sequence: number): void {
    this.nacked++;
    const original = this.#sent.get(sequence);
    if (original === undefined) return;
    this.repairs++;
    const payload = [sequence >> 8, sequence & 0xff, ...original];
    this.#send({ payloadType: 97, ssrc: RTX_SSRC, index: this.#rtxIndex++, payload });
  }

  #send(options: Omit<Parameters<typeof rtp>[0], "transportSequence">): void {
    this.packets++;
    this.#out.push(rtp({ ...options, transportSequence: this.#transport++ & 0xffff }));
  }
}

class Server implements DatagramMachine<undefined> {
  readonly receiving = new Receiving([
    { ...VIDEO, remoteSources: [{ ssrc: SSRC, rtxSsrc: RTX_SSRC, cname: undefined }] },
  ]);
  /** By transport-wide number: when it arrived first, in 250 us. */
  readonly arrived = new Map<number, number>();
  readonly #parts: Set<number>[] = [];
  readonly wholeAt: Millis[] = [];
  readonly #highest = new Map<number, number>();
  readonly #out: Uint8Array[] = [];

  handleInput(bytes: Uint8Array, now: Millis): void {
    assert.ok(!isRtcp(bytes));
    const ssrc = u32(bytes, 8);
    const before = this.#highest.get(ssrc);
    const sequence = u16(bytes, 2);
    const index = before === undefined ? sequence : extendIndex(before, sequence);
    this.#highest.set(ssrc, Math.max(before ?? 0, index));
    const transport = u16(bytes, 17);
    if (!this.arrived.has(transport)) this.arrived.set(transport, Math.round(now * 4));
    this.receiving.receiver.onRtp(bytes, index, now);
    for (const one of this.receiving.taken.splice(0)) {
      const at = one.bytes.length - 4;
      const frame = u16(one.bytes, at + 1);
      this.#parts[frame] ??= new Set();
      const parts = this.#parts[frame];
      parts.add(u8(one.bytes, at + 3));
      if (parts.size === PARTS) this.wholeAt[frame] ??= now;
    }
    this.#poll(now);
  }

  handleTimeout(now: Millis): void {
    this.#poll(now);
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift();
  }

  pollEvent(): undefined {
    return undefined;
  }

  nextTimeout(): Millis {
    return this.receiving.receiver.nextTimeout();
  }

  #poll(now: Millis): void {
    const { receiver } = this.receiving;
    for (let rtcp = receiver.pollRtcp(now); rtcp; rtcp = receiver.pollRtcp(now)) {
      this.#out.push(rtcp);
    }
  }
}

describe("a publisher whose packets are lost, late and doubled", () => {
  for (const [loss, inTime] of [
    [0.01, 0.995],
    [0.05, 0.99],
    [0.1, 0.97],
  ] as const) {
    test(`${loss * 100} % at a round trip of 100 ms: ${inTime * 100} % of the frames are whole in half a second`, (t) => {
      const camera = new Camera();
      const server = new Server();
      const bad = { loss, reordering: 0.01, duplication: 0.005 };
      const network = new Network(camera, server, { delayMillis: 50, ...bad });
      network.run(20_000);
      const frames = camera.framesAt.slice(0, -25);
      const whole = frames.filter((at, frame) => (server.wholeAt[frame] ?? 1e9) - at <= 500);
      const lost = camera.packets * loss;
      t.diagnostic(
        `${((whole.length / frames.length) * 100).toFixed(1)} % in time; of ${camera.packets} packets ` +
          `${camera.nacked} asked for, ${camera.repairs} sent again, ${server.receiving.lost.length} given up`,
      );
      assert.ok(whole.length >= frames.length * inTime);
      assert.ok(camera.nacked <= lost * 1.6 + 80, `${camera.nacked} requests`);
      assert.ok(server.receiving.lost.length <= 3);
      assert.deepEqual(server.receiving.faults, []);
    });
  }

  test("is told when each packet arrived, and which did not", () => {
    const camera = new Camera();
    const server = new Server();
    // The way back loses nothing here, so that all reports can be compared.
    const network = new Network(camera, server, {
      delayMillis: 30,
      script: (bytes, from, now) => {
        if (from === "b") return [{ bytes }];
        const dice = (Math.imul(u16(bytes, 17) + 7, 0x9e3779b1) >>> 8) % 1000;
        if (dice < 50) return [];
        const extraMillis = dice < 80 ? dice - 40 : now % 3;
        return dice < 100 ? [{ bytes, extraMillis }, { bytes }] : [{ bytes, extraMillis }];
      },
    });
    network.run(60_000);
    for (const [number, time] of camera.reported) {
      if (!Number.isNaN(time)) assert.equal(server.arrived.get(number), time, `${number}`);
    }
    // The last ones are not reported yet.
    const all = [...server.arrived.keys()].slice(0, -50);
    for (const number of all) assert.ok(camera.reported.has(number), `${number}`);
    assert.ok(all.length > camera.packets * 0.9);
    const lost = [...camera.reported.values()].filter((time) => Number.isNaN(time)).length;
    assert.ok(Math.abs(lost / camera.packets - 0.05) < 0.01, `${lost} of ${camera.packets}`);
  });
});
