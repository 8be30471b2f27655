import assert from "node:assert/strict";
import { test } from "node:test";
import { isBadStreamName, parseStreamName } from "../../../core/stream/mod.ts";
import { parseConfig } from "../../../server/config/config.ts";
import {
  MAX_DEPTH,
  nameReader,
  type PathTemplate,
  parsePathTemplate,
  recordingName,
} from "../../../server/record/path_template.ts";
import { nameOf } from "../hls/feed.ts";

function parsed(text: string): PathTemplate {
  const template = parsePathTemplate(text);
  assert.ok(typeof template === "object", String(template));
  return template;
}

/** Local time, as SRS has it. */
const AT = new Date(2026, 10, 3, 9, 5, 7, 42).getTime();

test("a template gives its root, its format and names, in SRS's words", () => {
  const one = parsed("./recordings/[app]/[stream].[timestamp].mp4");
  assert.equal(one.root, "./recordings");
  assert.equal(one.format, "mp4");
  assert.equal(recordingName(one, nameOf("live/cam-1"), AT), `live/cam-1.${AT}`);
  const srs = parsed(
    "./objs/nginx/html/[vhost]/[app]/[2006]/[01]/[02]/[stream]-[15].[04].[05].[999].flv",
  );
  assert.equal(srs.root, "./objs/nginx/html");
  assert.equal(srs.format, "flv");
  assert.equal(
    recordingName(srs, nameOf("live/x"), AT),
    "__defaultVhost__/live/2026/11/03/x-09.05.07.042",
  );
  assert.equal(parsed("[stream].mp4").root, ".");
  assert.equal(parsed("/[stream].mp4").root, "/");
  assert.equal(parsed("/rec/a-[stream].mp4").root, "/rec");
  assert.deepEqual(parsed("/rec/a-[stream].mp4").pieces, ["a-", "[stream]"]);
});

test("what a name is made of is read out of it again", () => {
  const read = nameReader(parsed("/r/[app]/[stream].[timestamp].mp4"));
  assert.deepEqual(read("live/cam.1.1700000000000.mp4"), {
    app: "live",
    stream: "cam.1",
    format: "mp4",
  });
  assert.equal(read("live/cam.1700000000000~2.flv")?.stream, "cam");
  for (const name of [
    "live/cam.mp4",
    "live/deep/cam.1.mp4",
    "cam.1.mp4",
    "live/cam.1.mp4.part",
    "live/cam.1.mkv",
    "live/cam.1xmp4",
  ]) {
    assert.equal(read(name), undefined, name);
  }
});

test("a stream's name cannot lead out of the root, nor look like a file that is being written", () => {
  for (const bad of ["../x", "a/../b", ".hidden", "a\0b", "a\\b", ""]) {
    assert.ok(isBadStreamName(parseStreamName("live", bad)), bad);
  }
  const template = parsed("/r/[app]/[stream].mp4");
  const name = recordingName(template, nameOf("live/x.mp4.part"), AT);
  assert.equal(`${name}.mp4`, "live/x.mp4.part.mp4");
  assert.ok(!`${name}.mp4`.endsWith(".part"));
});

test("templates that cannot be used are refused in words", () => {
  for (const [text, words] of [
    ["./rec/[stream].mkv", /ends in \.mp4 or \.flv/],
    ["./rec/[app].mp4", /\[stream\]/],
    ["./rec/[stream]-[year].mp4", /placeholders .*not "\[year\]"/],
    ["./rec/[stream", /ends in/],
    ["./rec/[stream.mp4", /placeholders .*not "\[stream"/],
    ["./rec/[app]/../[stream].mp4", /begin with a dot/],
    ["./rec/[app]/.[stream].mp4", /begin with a dot/],
    ["./rec/[app]//[stream].mp4", /begin with a dot/],
    ["./rec/[app]/my [stream].mp4", /letters, digits/],
    ["./rec/[stream][stream].mp4", /once only/],
    [`./rec/[app]/${"x/".repeat(MAX_DEPTH)}[stream].mp4`, /folders at most/],
  ] as const) {
    const said = parsePathTemplate(text);
    assert.equal(typeof said, "string", text);
    assert.match(String(said), words, text);
  }
  assert.throws(() => parseConfig({}, ["--vhost.dvr.dvr_path", "./x.mp4"]), /dvr_path.*\[stream\]/);
});
