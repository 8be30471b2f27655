import assert from "node:assert/strict";
import { test } from "node:test";
import type { Runtime } from "../../../core/base/mod.ts";
import { concat } from "../../../core/bytes/mod.ts";
import { loadRuntime } from "../../../runtime/mod.ts";
import { codecs, encoded, RATE, tone } from "../codecs/tone.ts";
import { start } from "../fixture.ts";
import { until } from "../rtc/client.ts";
import { openEncoder } from "../rtmp/encoder.ts";

const MILLIS = 4600;
const sound = encoded(await codecs(), "opus", tone(440, (RATE * MILLIS) / 1000 + RATE));
const OPUS = Uint8Array.of(0x91, 0x4f, 0x70, 0x75, 0x73);

/** A machine so busy that a thread begins half a second late, which is more than four of this stream. */
async function busy(): Promise<Runtime> {
  const real = await loadRuntime();
  return {
    ...real,
    startThread: (code, handler) => {
      const thread = real.startThread(code, handler);
      let begun = false;
      const kept: (() => void)[] = [];
      setTimeout(() => {
        begun = true;
        for (const post of kept) post();
      }, 500);
      return {
        post: (message, transfer) => {
          const post = (): void => thread.post(message, transfer);
          if (begun) post();
          else kept.push(post);
        },
        close: () => thread.close(),
      };
    },
  };
}

test("sound whose transcoder begins seconds late is in HLS from the first segment on: players add no track later", async (t) => {
  const runtime = await busy();
  const server = await start(["--vhost.hls.hls_fragment", "1"], { runtime });
  t.after(() => server.monoport.close());
  const from = await openEncoder(server.port);
  t.after(() => from.close());
  from.publish("r");
  await until(() => from.words.includes("NetStream.Publish.Start"), "publishing");
  from.sendConfiguration();
  const asked = fetch(`${server.url}/live/r.m3u8`);
  await until(() => server.monoport.metrics.value("monoport_hls_streams") === 1, "a muxer");
  for (let at = 0; at < MILLIS; at += 20) {
    if (at % 40 === 0) from.sendPicture(at, at % 1000 === 0);
    from.sendAudio(at, concat([OPUS, sound.packets[at / 20]!.data]));
  }
  const answer = await asked;
  assert.equal(answer.status, 200);
  const multivariant = await answer.text();
  assert.match(multivariant, /CODECS="avc1\.[0-9a-f]+,mp4a\.40\.2"/);
  const name = /^(.*media\.m3u8.*)$/m.exec(multivariant)?.[1] ?? "";
  const playlist = await (await fetch(new URL(name, `${server.url}/live/r.m3u8`))).text();
  assert.doesNotMatch(playlist, /DISCONTINUITY/);
  assert.equal(playlist.match(/#EXT-X-MAP/g)?.length, 1);
});
