import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { relativeUri, wrongTemplate } from "../../../server/hls/file_names.ts";

describe("templates of HLS files", () => {
  for (const [text, ending] of [
    ["[app]/[stream].m3u8", ".m3u8"],
    ["[app]/[stream]-[seq].ts", ".ts"],
    ["[vhost]/[app]/[stream]/[timestamp]-[duration].ts", ".ts"],
  ] as const) {
    test(`${text} is good`, () => assert.equal(wrongTemplate(text, ending), ""));
  }

  for (const [text, why] of [
    ["[app]/[stream]-[seq].mp4", /ends in \.ts/],
    ["[app]/[stream].ts", /\[seq\] or \[timestamp\]/],
    ["[app]/[seq].ts", /with \[stream\]/],
    ["[stream]-[seq].ts", /with \[app\]/],
    ["/[app]/[stream]-[seq].ts", /below hls_path/],
    ["../[app]/[stream]-[seq].ts", /below hls_path/],
    ["[app]/.[stream]-[seq].ts", /below hls_path/],
    ["[app]/[stream]-[seq]-[x].ts", /not "\[x\]"/],
    ["[app]/[stream -[seq].ts", /not "\[stream -\[seq\]"/],
    ["[app]/[stream]-[seq] .ts", /letters/],
  ] as const) {
    test(`${text} is not`, () => assert.match(wrongTemplate(text, ".ts"), why));
  }

  test("a playlist names its files from its own folder", () => {
    assert.equal(relativeUri("live/a.m3u8", "live/a-1.ts"), "a-1.ts");
    assert.equal(relativeUri("live/a.m3u8", "live/a/1.ts"), "a/1.ts");
    assert.equal(relativeUri("x/live/a.m3u8", "live/a-1.ts"), "../../live/a-1.ts");
    assert.equal(relativeUri("a.m3u8", "live/a-1.ts"), "live/a-1.ts");
  });
});
