/** A track that is late, paused, or never comes holds up no other: from a WebRTC publisher to FLV, RTMP and HLS. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../../core/base/mod.ts";
import type { Framing } from "../../../core/egress/cast/mod.ts";
import { type FlvTag, flvCast, TagType } from "../../../core/egress/flv/mod.ts";
import { Segmenter } from "../../../core/egress/hls/mod.ts";
import { fitsMp4 } from "../../../core/egress/mp4/mod.ts";
import { decodeAmf0 } from "../../../core/wire/amf0/mod.ts";
import { Camera, keyframesAsked, newHub, tap } from "../stream/frame_camera.ts";

type Kind = "audio" | "video";
/** From and to in ms, in which the kind is sent. */
type Sent = Readonly<Record<Kind, readonly (readonly [from: number, to: number])[]>>;

const FRAME = 40;
const END = 20_000;

/** What came out: of which kind, how late, and which tracks there were. */
interface Out {
  readonly frames: { readonly kind: Kind; readonly now: number; readonly at: number }[];
  /** Tracks that headers told, each time they changed: `video+audio` and the like. */
  readonly headers: string[];
}

const sentAt = (sent: Sent, kind: Kind, now: number): boolean =>
  sent[kind].some(([from, to]) => now >= from && now < to);

function play(sent: Sent): { readonly flv: Out; readonly hls: Out } {
  const hub = newHub();
  const camera = new Camera(hub, 0);
  const flv: Out = { frames: [], headers: [] };
  const hls: Out = { frames: [], headers: [] };
  let now = 0;
  const tell = (out: Out, tracks: string): void => {
    if (out.headers.at(-1) !== tracks) out.headers.push(tracks);
  };
  const framing: Framing<FlvTag> = (tags) => {
    for (const { type, timestamp, body } of tags) {
      if (type === TagType.Script) tell(flv, tracksOf(body));
      else if (type === TagType.Audio ? (body[0] ?? 0) % 16 === 1 : body[1] === 1)
        flv.frames.push({ kind: type === TagType.Audio ? "audio" : "video", now, at: timestamp });
    }
    return new Uint8Array(0);
  };
  const cast = flvCast({ server: "", opus: true, lagMillis: 5000, onPending: () => {} });
  const viewer = cast.join(framing);
  const segmenter = new Segmenter(
    { segmentMillis: 2000, maxSegmentMillis: 3400, partMillis: 400, fits: fitsMp4 },
    {
      handleSegmentStart: ({ tracks }) => {
        if (tracks) tell(hls, tracks.map(({ format }) => format.kind).join("+"));
      },
      handlePart: ({ runs }) => {
        for (const { track, baseTime, samples } of runs)
          for (let i = 0; i < samples.length; i++)
            hls.frames.push({ kind: track.format.kind, now, at: baseTime });
      },
      handleSegmentEnd: () => {},
    },
  );
  tap(hub, cast, 0);
  tap(hub, segmenter, 0);
  let asked = 0;
  for (now = 0; now < END; now += FRAME) {
    if (now % 1000 === 0) camera.report(now + 5e9, 90 * now, 48 * now, now);
    if (sentAt(sent, "audio", now)) camera.sound(48 * now, now);
    if (sentAt(sent, "video", now)) {
      const again = !sentAt(sent, "video", now - FRAME);
      camera.picture(90 * now, again || asked > 0, now, 60);
      asked = 0;
    }
    cast.flush(now);
    while (cast.poll(viewer, now) !== undefined);
    cast.trim([viewer], now);
    hub.handleTimeout(now);
    asked += keyframesAsked(hub);
  }
  return { flv, hls };
}

function tracksOf(metadata: Uint8Array): string {
  const values = decodeAmf0(metadata);
  assert.ok(!isFault(values));
  const has = values[1] as Map<string, unknown>;
  return (["video", "audio"] as const)
    .filter((kind) => has.get(kind === "video" ? "hasVideo" : "hasAudio") === true)
    .join("+");
}

/** The longest time in which nothing of this kind came out, between `from` and `to`. */
function longestWait({ frames }: Out, kind: Kind, from: number, to: number): number {
  let last = from;
  let longest = 0;
  for (const { kind: one, now } of [...frames, { kind, now: to }]) {
    if (one !== kind || now < from || now > to) continue;
    longest = Math.max(longest, now - last);
    last = now;
  }
  return longest;
}

const ALWAYS = [[0, END]] as const;
const both: readonly (readonly ["FLV and RTMP" | "HLS", "flv" | "hls", number])[] = [
  ["FLV and RTMP", "flv", 2 * FRAME],
  // A part, and what decides that no picture comes.
  ["HLS", "hls", 900],
];

describe("A track that holds up no other", () => {
  for (const [words, way, step] of both) {
    test(`${words}: sound that never comes is waited for 2 s`, () => {
      const out = play({ video: ALWAYS, audio: [] })[way];
      assert.deepEqual(out.headers, ["video"]);
      assert.ok(longestWait(out, "video", 0, END) <= 2000 + step);
      assert.ok(longestWait(out, "video", 3000, END) <= step);
    });

    test(`${words}: pictures that never come are waited for 2 s`, () => {
      const out = play({ video: [], audio: ALWAYS })[way];
      assert.deepEqual(out.headers, ["audio"]);
      assert.ok(longestWait(out, "audio", 0, END) <= 2000 + step);
      assert.ok(longestWait(out, "audio", 3000, END) <= step);
    });

    test(`${words}: sound that is late comes with new headers, and pictures have not waited`, () => {
      const out = play({ video: ALWAYS, audio: [[7000, END]] })[way];
      assert.deepEqual(out.headers, ["video", "video+audio"]);
      assert.ok(longestWait(out, "video", 3000, END) <= step);
      // HLS takes it from a keyframe on.
      assert.ok(longestWait(out, "audio", 7000, END) <= 2500 + step);
    });

    test(`${words}: pictures that are late come with new headers, and sound has not waited`, () => {
      const out = play({ video: [[7000, END]], audio: ALWAYS })[way];
      assert.deepEqual(out.headers, ["audio", "video+audio"]);
      assert.ok(longestWait(out, "audio", 3000, END) <= step);
      assert.ok(longestWait(out, "video", 7000, END) <= step);
    });

    for (const [paused, other] of [
      ["audio", "video"],
      ["video", "audio"],
    ] as const) {
      test(`${words}: ${paused} that pauses for 5 s does not stop ${other}, and both are together again`, () => {
        const rest = [
          [0, 8000],
          [13_000, END],
        ] as const;
        const out = play({ video: ALWAYS, audio: ALWAYS, [paused]: rest })[way];
        assert.ok(
          longestWait(out, other, 3000, END) <= step,
          `${longestWait(out, other, 3000, END)}`,
        );
        assert.ok(longestWait(out, paused, 13_000, END) <= 2500 + step);
        assert.equal(out.headers.at(-1), "video+audio");
      });
    }
  }
});
