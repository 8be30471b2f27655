import assert from "node:assert/strict";
import { test } from "node:test";
import { bundled, unbundled } from "../../../server/codecs/bundle.ts";
import { TRAPS_MAX, TranscodeHost } from "../../../server/codecs/host.ts";
import type { FromThread } from "../../../server/codecs/messages.ts";
import { packedCodecs } from "../../../server/codecs/packed.ts";
import type { SoundCodec, SoundFormat } from "../../../server/codecs/sound.ts";
import { Transcoder } from "../../../server/codecs/transcoder.ts";
import { SeededRandom } from "../../sim/random.ts";
import { type Coded, codecs, encoded, RATE, tone } from "./tone.ts";

const NONE = new Uint8Array(0);

test("garbage is counted, and the module works on", async () => {
  const module = await codecs();
  const seeded = new SeededRandom(7);
  const next = () => seeded.next();
  const good = {
    aac: encoded(module, "aac", tone(440, RATE)),
    opus: encoded(module, "opus", tone(440, RATE)),
  };
  for (const codec of ["aac", "opus", "mp3", "pcma", "pcmu"] as SoundCodec[]) {
    const valid = codec === "opus" ? good.opus : good.aac;
    const from: SoundFormat = {
      codec,
      configuration: codec === "aac" ? valid.format.configuration : NONE,
      sampleRate: codec.startsWith("pcm") ? 8000 : 48_000,
      channels: codec.startsWith("pcm") ? 1 : 2,
    };
    const transcoder = Transcoder.open(
      module,
      { from, to: codec === "opus" ? "aac" : "opus", bitrate: 64_000 },
      () => {},
    );
    assert.ok(transcoder);
    for (let i = 0; i < 600; i++) {
      const packet = valid.packets[i % valid.packets.length]!;
      transcoder.put(i % 3 === 0 ? noise(next) : broken(packet, next), i * 21);
    }
    if (codec !== "pcma" && codec !== "pcmu") assert.ok(transcoder.bad > 50, codec);
    transcoder.close();
  }
  let packets = 0;
  const { format } = good.aac;
  const options = { from: format, to: "opus", bitrate: 64_000 } as const;
  const transcoder = Transcoder.open(module, options, () => packets++);
  for (const { data, pts } of good.aac.packets) transcoder?.put(data, pts);
  assert.ok(packets > 40);
});

test("a wrong configuration is refused, whatever it says", async () => {
  const module = await codecs();
  const seeded = new SeededRandom(8);
  const next = () => seeded.next();
  for (let i = 0; i < 300; i++) {
    const configuration = noise(next).subarray(0, 40);
    const from = { codec: "aac", configuration, sampleRate: 48_000, channels: 2 } as const;
    const transcoder = Transcoder.open(module, { from, to: "opus", bitrate: 64_000 }, () => {});
    for (let at = 0; at < 3; at++) transcoder?.put(noise(next), at * 21);
    transcoder?.close();
  }
  for (const wrong of [
    { channels: 0 },
    { channels: 9 },
    { sampleRate: 1e9 },
    { sampleRate: NaN },
  ]) {
    const from = { codec: "pcmu", configuration: NONE, sampleRate: 8000, channels: 1, ...wrong };
    const options = { from, to: "opus", bitrate: 64_000 } as const;
    assert.equal(
      Transcoder.open(module, options as never, () => {}),
      undefined,
    );
  }
});

test("memory is given back: a thousand tracks, one after the other", async () => {
  const module = await codecs();
  const source = encoded(module, "aac", tone(440, RATE / 10));
  const options = { from: source.format, to: "opus", bitrate: 64_000 } as const;
  const round = (times: number): number => {
    for (let i = 0; i < times; i++) {
      const transcoder = Transcoder.open(module, options, () => {});
      assert.ok(transcoder);
      for (const { data, pts } of source.packets) transcoder.put(data, pts);
      transcoder.close();
    }
    return module.memory.buffer.byteLength;
  };
  const before = round(50);
  assert.ok(round(500) - before < 4 * 1024 * 1024);
});

test("a module that traps is started anew, with all its tracks", async () => {
  const told: FromThread[] = [];
  const host = new TranscodeHost((message) => told.push(message));
  const source = encoded(await codecs(), "aac", tone(440, RATE));
  await host.handle({ kind: "packed", packed: packedCodecs() });
  const options = { from: source.format, to: "opus", bitrate: 64_000 } as const;
  await host.handle({ kind: "open", id: 1, options });
  const put = (one: Coded) => host.handle({ kind: "put", id: 1, packets: bundled([one]) });
  const throws = { ...bundled([{ data: new Uint8Array(1), pts: 0 }]), data: null as never };
  for (const one of source.packets.slice(0, 20)) await put(one);
  await host.handle({ kind: "put", id: 1, packets: throws }); // throws inside
  assert.equal(told.filter(({ kind }) => kind === "trapped").length, 1);
  const before = told.length;
  for (const one of source.packets.slice(20)) await put(one);
  const after = told
    .slice(before)
    .flatMap((one) => (one.kind === "done" ? unbundled(one.packets) : []));
  assert.ok(after.length > 20);
  // A track that does it again and again is given up.
  for (let i = 0; i < 5; i++) await host.handle({ kind: "put", id: 1, packets: throws });
  assert.equal(told.filter(({ kind }) => kind === "trapped").length, TRAPS_MAX);
  assert.equal(told.filter(({ kind }) => kind === "refused").length, 1);
});

function noise(next: () => number): Uint8Array {
  const bytes = new Uint8Array(1 + Math.floor(next() * 600));
  for (let i = 0; i < bytes.length; i++) bytes[i] = next() * 256;
  return bytes;
}

function broken({ data }: Coded, next: () => number): Uint8Array {
  const bytes = data.slice(0, 1 + Math.floor(next() * data.length));
  for (let i = 0; i < 4; i++) bytes[Math.floor(next() * bytes.length)] = next() * 256;
  return bytes;
}
