import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_EARLY_REPORTS } from "../../../core/stream/publisher.ts";
import { ntpFromUnix, type SenderReport, unixFromNtp } from "../../../core/wire/rtcp/mod.ts";
import { AUDIO_SSRC, type Source, VIDEO_SSRC, type Viewer, World } from "./fixture.ts";

/** The publisher's wall clock is far from ours. */
const THEIRS = 1_700_000_000_000;

function reportsOf(viewer: Viewer, ssrc: number): { at: number; report: SenderReport }[] {
  return viewer.reports.filter((one) => one.report.ssrc === ssrc);
}

/** Both of the source's reports: at `wall` on its clock the timestamps were those. */
function report(world: World, source: Source, wall: number, video: number, audio: number): void {
  const { publisher } = source;
  publisher.handleSenderReport(source.videoSsrc, ntpFromUnix(wall), video >>> 0, world.now);
  publisher.handleSenderReport(source.audioSsrc, ntpFromUnix(wall), audio >>> 0, world.now);
}

function play(world: World, source: Source, millis: number): void {
  const end = world.now + millis;
  while (world.now < end) {
    if (world.now % 40 === 0) source.pushFrame(world.now, source.frame === 0, 2, 500, 3600);
    if (world.now % 20 === 0) source.pushAudio(world.now);
    world.pass(20);
  }
}

/** By how much sound and picture of the source would be apart for the viewer, in ms. */
function skew(viewer: Viewer, video: number, audio: number): number {
  const v = reportsOf(viewer, VIDEO_SSRC).at(-1)!.report;
  const a = reportsOf(viewer, AUDIO_SSRC).at(-1)!.report;
  const atVideo = unixFromNtp(v.ntp) + ((video - v.rtpTime) | 0) / 90;
  const atAudio = unixFromNtp(a.ntp) + ((audio - a.rtpTime) | 0) / 48;
  return atVideo - atAudio;
}

test("a viewer gets a sender report with his first packets, then one a second", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  const from = world.now;
  play(world, source, 5000);
  for (const ssrc of [VIDEO_SSRC, AUDIO_SSRC]) {
    const at = reportsOf(viewer, ssrc).map((one) => one.at);
    assert.ok(at[0]! - from <= 20, `first after ${at[0]! - from} ms`);
    assert.ok(at.length >= 5 && at.length <= 7, `${at.length}`);
    for (let i = 2; i < at.length; i++) assert.ok(at[i]! - at[i - 1]! >= 1000);
  }
});

test("reports count the viewer's own packets and payload octets", () => {
  const world = new World();
  const source = world.publish();
  play(world, source, 2000);
  const viewer = world.view();
  source.pushFrame(world.now, true, 4, 700);
  source.pushFrame(world.now, false, 1, 300);
  world.pass(1100);
  const { report: last } = reportsOf(viewer, VIDEO_SSRC).at(-1)!;
  assert.equal(last.packets, 5);
  assert.equal(last.octets, 4 * 700 + 300);
});

test("until both tracks have a report, both go by arrival on our clock", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 1000);
  const ntp = ntpFromUnix(THEIRS);
  source.publisher.handleSenderReport(source.videoSsrc, ntp, 5, world.now);
  play(world, source, 2000);
  assert.ok(Math.abs(skew(viewer, source.videoTime, source.audioTime)) < 25);
  const { at, report: last } = reportsOf(viewer, VIDEO_SSRC).at(-1)!;
  assert.ok(Math.abs(unixFromNtp(last.ntp) - (1_800_000_000_000 + at)) < 1, "our wall clock");
});

test("the publisher's relation of sound and picture reaches the viewer exactly", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 1000);
  // At one moment of the publisher; arrival alone would say something else by 130 ms.
  const video = (source.videoTime + 90 * 40) >>> 0;
  const audio = (source.audioTime + 48 * 170) >>> 0;
  const before = viewer.reports.length;
  report(world, source, THEIRS, video, audio);
  world.pass(1);
  assert.ok(viewer.reports.length >= before + 2, "told at once");
  assert.ok(Math.abs(skew(viewer, video, audio)) < 0.05, `${skew(viewer, video, audio)}`);
  play(world, source, 3000);
  report(world, source, THEIRS + 3000, video + 3000 * 90, audio + 3000 * 48);
  play(world, source, 1500);
  assert.ok(Math.abs(skew(viewer, video, audio)) < 0.05);
});

test("reports go on over a new publisher with another clock and other timestamps", () => {
  const world = new World();
  const first = world.publish("tab");
  const viewer = world.view();
  play(world, first, 1000);
  report(world, first, THEIRS, first.videoTime, first.audioTime);
  play(world, first, 1500);
  const next = world.publish("tab");
  next.videoSsrc = 1;
  next.audioSsrc = 2;
  next.videoTime = 1_000_000;
  next.audioTime = 3_000_000_000;
  play(world, next, 1000);
  const lastVideo = viewer.of(VIDEO_SSRC).at(-1)!.header.timestamp;
  const lastAudio = viewer.of(AUDIO_SSRC).at(-1)!.header.timestamp;
  report(world, next, 5_000_000, next.videoTime, next.audioTime - 48 * 100);
  play(world, next, 1500);
  assert.ok(Math.abs(skew(viewer, lastVideo, lastAudio) + 100) < 0.05, "he said 100 ms");
  const reports = reportsOf(viewer, VIDEO_SSRC);
  for (let i = 1; i < reports.length; i++) {
    const step = unixFromNtp(reports[i]!.report.ntp) - unixFromNtp(reports[i - 1]!.report.ntp);
    const ours = reports[i]!.at - reports[i - 1]!.at;
    assert.ok(Math.abs(step - ours) < 1, "NTP time is ours all along");
  }
});

test("a publisher whose clock is set anew is believed anew", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  play(world, source, 1000);
  report(world, source, THEIRS, source.videoTime, source.audioTime);
  play(world, source, 1000);
  report(world, source, THEIRS + 3_600_000, source.videoTime, source.audioTime);
  play(world, source, 1500);
  const { at, report: last } = reportsOf(viewer, VIDEO_SSRC).at(-1)!;
  assert.ok(Math.abs(unixFromNtp(last.ntp) - (1_800_000_000_000 + at)) < 1);
  const newest = viewer.of(VIDEO_SSRC).findLast((one) => one.at <= at)!;
  const ahead = ((last.rtpTime - newest.header.timestamp) | 0) / 90;
  assert.ok(Math.abs(ahead) < 200, `${ahead} ms between a report and the media beside it`);
});

test("a report that comes before the first packet counts from that on", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  const { publisher, videoTime, audioTime } = source;
  for (let ssrc = 1; ssrc <= MAX_EARLY_REPORTS; ssrc++)
    publisher.handleSenderReport(ssrc, ntpFromUnix(1), 1, world.now); // of nobody, and forgotten
  report(world, source, THEIRS, videoTime, audioTime - 48 * 100);
  play(world, source, 1500);
  assert.ok(Math.abs(skew(viewer, videoTime, audioTime) + 100) < 0.05);
});

test("reports whose timestamps run at another rate than the track's are not believed", () => {
  const world = new World();
  const source = world.publish();
  const viewer = world.view();
  const { videoTime, audioTime } = source;
  const early = (): number => {
    const newest = viewer.of(VIDEO_SSRC).at(-1)!;
    const { at, report: last } = reportsOf(viewer, VIDEO_SSRC).at(-1)!;
    return ((last.rtpTime - newest.header.timestamp) | 0) / 90 - (at - newest.at);
  };
  // GStreamer's, twice as fast.
  for (let passed = 500; passed <= 5000; passed += 500) {
    play(world, source, 500);
    const twice = 2 * passed;
    report(world, source, THEIRS + passed, videoTime + 90 * twice, audioTime + 48 * twice);
  }
  play(world, source, 1500);
  assert.ok(Math.abs(early()) < 50, `${early()} ms before it is taken`);
  assert.ok(Math.abs(skew(viewer, source.videoTime, source.audioTime)) < 25);
  // Two that agree with each other are.
  for (const wall of [8000, 10_000]) {
    report(world, source, THEIRS + wall, source.videoTime, source.audioTime - 48 * 100);
    play(world, source, 2000);
  }
  assert.ok(Math.abs(skew(viewer, source.videoTime, source.audioTime) + 100) < 1);
});
