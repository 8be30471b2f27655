import assert from "node:assert/strict";
import { test } from "node:test";
import { chunkedTags, encodeTags } from "../../../../core/egress/flv/mod.ts";
import { all, format, made, picture, shown, sound, tagsOf } from "./stage.ts";

test("who joins gets no sound that is older than his keyframe, though it comes later; who was there gets all", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  cast.handleFrame(sound(0));
  cast.handleFrame(picture(0, true));
  cast.flush(0);
  const before = cast.join(chunkedTags);
  all(cast, before, 0);
  cast.handleFrame(picture(1000, true));
  cast.flush(1000);
  const atOnce = cast.join(encodeTags);
  const first = tagsOf(all(cast, atOnce, 1000)).map(shown);
  for (const dts of [940, 961, 983]) cast.handleFrame(sound(dts));
  cast.flush(1060);
  const between = cast.join(encodeTags);
  cast.handleFrame(sound(990));
  cast.handleFrame(picture(1040));
  cast.handleFrame(sound(1004));
  cast.flush(1100);
  const later = cast.join(encodeTags);
  const wanted = ["9@1000:105", "9@1040:105", "8@1004:4"];
  for (const viewer of [between, later]) {
    assert.deepEqual(
      tagsOf(all(cast, viewer, 1100))
        .map(shown)
        .filter((one) => !one.endsWith("@1000:8") && !one.startsWith("18"))
        .slice(-3),
      wanted,
    );
  }
  const rest = tagsOf(all(cast, atOnce, 1100)).map(shown);
  assert.deepEqual([...first, ...rest].slice(-3), wanted);
  // As nothing but the last chunk has no bytes, there must be none in between.
  const chunks = Buffer.from(all(cast, before, 1100)).toString("latin1");
  assert.ok(!chunks.startsWith("0\r\n") && !chunks.includes("\r\n0\r\n"));
  const bodies = chunks.split("\r\n").filter((_, i) => i % 2 === 1);
  const seen = bodies.flatMap((body) => tagsOf(Buffer.from(body, "latin1")).map(shown));
  assert.deepEqual(
    seen.filter((one) => one.startsWith("8")),
    ["8@940:4", "8@961:4", "8@983:4", "8@990:4", "8@1004:4"],
  );
});

test("older sound alone is no write for who joined: an empty chunk would end his stream", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  cast.handleFrame(sound(0));
  cast.handleFrame(picture(1000, true));
  cast.flush(0);
  const viewer = cast.join(chunkedTags);
  all(cast, viewer, 0);
  cast.handleFrame(sound(980));
  cast.flush(100);
  assert.equal(cast.poll(viewer, 100), undefined);
  cast.handleFrame(sound(1001));
  cast.flush(200);
  assert.ok(cast.poll(viewer, 200));
});

test("a viewer who lost frames goes on with a keyframe and sound of its time", () => {
  const cast = made({ lagMillis: 500 });
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  cast.handleFrame(picture(0, true));
  cast.handleFrame(sound(0));
  cast.flush(0);
  const viewer = cast.join(encodeTags);
  all(cast, viewer, 0);
  cast.handleFrame(picture(40));
  cast.flush(40);
  cast.handleFrame(picture(1000, true));
  cast.flush(1000);
  cast.handleFrame(sound(950));
  cast.handleFrame(sound(1010));
  cast.flush(1060);
  assert.deepEqual(tagsOf(all(cast, viewer, 1060)).map(shown), ["9@1000:105", "8@1010:4"]);
});

test("who joins before the first picture begins with it, not with sound that is older", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  const viewer = cast.join(encodeTags);
  for (let now = 0; now < 1000; now += 100) {
    cast.handleFrame(sound(now));
    cast.flush(now);
    assert.equal(cast.poll(viewer, now), undefined);
    cast.trim([viewer], now);
  }
  cast.handleFrame(picture(1000, true));
  cast.handleFrame(sound(1001));
  cast.flush(1000);
  const media = tagsOf(all(cast, viewer, 1000)).filter(({ body }) => body[1] === 1);
  assert.deepEqual(media.map(shown), ["9@1000:105", "8@1001:4"]);
});

test("pictures that are announced and do not come are waited for 2 s, then there is sound", () => {
  const cast = made();
  cast.handleFormat(format("h264"));
  cast.handleFormat(format("aac"));
  const viewer = cast.join(encodeTags);
  for (let now = 0; now <= 2000; now += 100) {
    cast.handleFrame(sound(now));
    cast.flush(now);
    assert.equal(cast.poll(viewer, now), undefined);
  }
  cast.handleFrame(sound(2100));
  cast.flush(2100);
  assert.equal(
    tagsOf(all(cast, viewer, 2100))
      .map(shown)
      .at(-1),
    "8@2100:4",
  );
});
