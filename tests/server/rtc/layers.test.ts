import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { concat } from "../../../core/bytes/mod.ts";
import { LAYERS, LayerSource, layerOf } from "../../core/stream/simulcast.ts";
import { type Running, start } from "../fixture.ts";
import { play, publish, type RtcClient, sleep, until, VIDEO_PAYLOAD_TYPE } from "./client.ts";

const SSRCS = [0xa000, 0xa001, 0xa002];
const SIM = [
  `a=ssrc-group:SIM ${SSRCS.join(" ")}`,
  ...SSRCS.map((ssrc) => `a=ssrc:${ssrc} cname:layers`),
];

/** Three layers of VP8 that answer keyframe requests. */
class LayeredCamera {
  readonly client: RtcClient;
  readonly layers = LAYERS.map((options, at) => {
    const source = new LayerSource(
      { kind: "video", formats: new Map(), extensions: new Map() },
      options,
      at,
    );
    source.index = 100;
    return source;
  });
  /** Keyframes asked for, by SSRC. */
  readonly asked: number[] = [];
  readonly #timer: NodeJS.Timeout;
  #read = 0;

  constructor(client: RtcClient) {
    this.client = client;
    this.#timer = setInterval(() => this.#send(), 40);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #send(): void {
    for (const one of this.client.rtcp.slice(this.#read)) {
      if (one.type !== "pli") continue;
      this.asked.push(one.mediaSsrc);
      for (const layer of this.layers) if (layer.ssrc === one.mediaSsrc) layer.wantsKey = true;
    }
    this.#read = this.client.rtcp.length;
    const framed: Uint8Array[] = [];
    for (const layer of this.layers) {
      for (const [bytes, index] of layer.packets(performance.now(), layer.wantsKey)) {
        bytes[1] = ((bytes[1] ?? 0) & 0x80) | VIDEO_PAYLOAD_TYPE;
        framed.push(this.client.peer.protect(bytes, index));
      }
      layer.wantsKey = false;
    }
    this.client.write(concat(framed));
  }
}

interface Shown {
  readonly client: RtcClient;
  /** Layer of the newest packet. */
  rid: string;
}

/** What of the API's JSON is looked at. */
interface LayerJson {
  readonly rid: string;
  readonly kbps: number;
  readonly fps: number;
  readonly [name: string]: unknown;
}
interface Listed {
  readonly streams: readonly {
    readonly name: string;
    readonly video: { readonly layers: readonly LayerJson[] } | null;
  }[];
  readonly clients: readonly {
    readonly type: string;
    readonly name: string;
    readonly layer: string;
    readonly layer_switches: number;
  }[];
}

describe("layers of simulcast, over TCP", () => {
  let server: Running;
  const clients: RtcClient[] = [];
  const cameras: LayeredCamera[] = [];
  before(async () => {
    server = await start();
  });
  afterEach(() => {
    for (const camera of cameras.splice(0)) camera.stop();
    for (const client of clients.splice(0)) client.close();
  });
  after(() => server.monoport.close());

  const film = async (stream: string): Promise<LayeredCamera> => {
    const client = await publish(server, { stream, codec: "VP8", lines: SIM });
    clients.push(client);
    await client.connect();
    const camera = new LayeredCamera(client);
    cameras.push(camera);
    await until(async () => (await layersOf(stream)).length === 3, "three layers are there");
    return camera;
  };
  const watch = async (stream: string, query = ""): Promise<Shown> => {
    const path = `/rtc/v1/whep/?app=live&stream=${stream}${query}`;
    const client = await play(server, { stream, codec: "VP8", path });
    clients.push(client);
    const shown: Shown = { client, rid: "" };
    client.onRtp = (header, packet) => {
      shown.rid = layerOf(packet.subarray(header.payloadAt, header.payloadEnd)).rid;
    };
    await client.connect();
    return shown;
  };
  const api = async (path: string): Promise<Listed> =>
    (await (await fetch(server.url + path)).json()) as Listed;
  const layersOf = async (stream: string): Promise<readonly LayerJson[]> => {
    const { streams } = await api("/api/v1/streams?count=100");
    return streams.find((one) => one.name === stream)?.video?.layers ?? [];
  };
  const layerUrl = ({ client }: Shown): string => {
    const query = new URLSearchParams(client.location.split("?")[1]);
    const owner = { session: query.get("session") ?? "", token: query.get("token") ?? "" };
    return `${server.url}/rtc/v1/whep/layer?${new URLSearchParams(owner)}`;
  };
  const choose = async (shown: Shown, body: object | string): Promise<[number, string]> => {
    const answer = await fetch(layerUrl(shown), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return [answer.status, await answer.text()];
  };

  test("a viewer gets the best, or what he asks for, and may ask for another later", async () => {
    const camera = await film("wish");
    const best = await watch("wish");
    const low = await watch("wish", "&layer=low");
    await until(() => best.rid === "f" && low.rid === "q", "each has his layer");
    assert.deepEqual(await choose(low, { mediaId: "0", encodingId: "1" }), [200, ""]);
    await until(() => low.rid === "h", "the other layer");
    assert.deepEqual(await choose(low, { mediaId: "0", rid: "0" }), [200, ""]);
    await until(() => low.rid === "q", "the layer of this rid");
    assert.deepEqual(await choose(low, { rid: "1" }), [200, ""]);
    await until(() => low.rid === "h", "the other again");
    assert.deepEqual(await choose(low, { maxHeight: 200 }), [200, ""]);
    await until(() => low.rid === "q", "the layer within the height");
    await fetch(layerUrl(low), { method: "DELETE" });
    await until(() => low.rid === "f", "the best again");
    assert.ok(camera.asked.length >= 5 && camera.asked.length <= 15, `${camera.asked.length}`);
    assert.equal(server.monoport.metrics.value("monoport_layer_switches_total"), 5);
    const { clients: all } = await api("/api/v1/clients?count=100");
    const playing = all.filter((one) => one.type === "rtc-play" && one.name === "wish");
    assert.deepEqual(playing.map((one) => [one.layer, one.layer_switches]).sort(), [
      ["2", 0],
      ["2", 5],
    ]);
  });

  test("a viewer's event stream tells the layers (draft-ietf-wish-whep-03 §4.9.1.3)", async (t) => {
    await film("told");
    const shown = await watch("told");
    const made = await fetch(layerUrl(shown).replace("/layer?", "/events?"), {
      method: "POST",
      body: '["layers"]',
    });
    await made.text();
    const gone = new AbortController();
    t.after(() => gone.abort());
    const url = server.url + (made.headers.get("location") ?? "");
    const { body } = await fetch(url, { signal: gone.signal });
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of body ?? []) {
      text += decoder.decode(chunk);
      if (/^data: .*"width":1280.*\n\n$/m.test(text)) break;
    }
    const [, data = ""] = /.*^event: layers\ndata: (.*)\n\n$/ms.exec(text) ?? [];
    const told = JSON.parse(data)["0"] as { rid: string; height: number; bitrate: number }[];
    assert.deepEqual(
      told.map(({ rid, height }) => [rid, height]),
      [
        ["0", 180],
        ["1", 360],
        ["2", 720],
      ],
    );
    assert.ok(told.every(({ bitrate }) => bitrate >= 0));
  });

  test("the API names every layer with its size, rate and SSRC, the worst first", async () => {
    await film("figures");
    await sleep(1200);
    const layers = await layersOf("figures");
    assert.deepEqual(
      layers.map(({ rid, ssrc, width, height, active }) => [rid, ssrc, width, height, active]),
      [
        ["0", SSRCS[0], 320, 180, true],
        ["1", SSRCS[1], 640, 360, true],
        ["2", SSRCS[2], 1280, 720, true],
      ],
    );
    const [low = 0, mid = 0, high = 0] = layers.map(({ kbps }) => kbps);
    assert.ok(high > mid && mid > low && low > 0);
    assert.ok(layers.every(({ fps }) => fps > 5));
  });

  test("a layer that a live stream does not have is 400, and the answer names those there are", async () => {
    await film("names");
    const offer = async (query: string): Promise<[number, string]> => {
      const path = `/rtc/v1/whep/?app=live&stream=names&${query}`;
      const made = await play(server, { stream: "names", codec: "VP8", path }).catch(String);
      return typeof made === "string" ? [400, made] : [201, ""];
    };
    for (const wrong of ["layer=ultra", "layer=h%20h", `layer=${"x".repeat(300)}`]) {
      const [status, text] = await offer(wrong);
      assert.equal(status, 400);
      assert.match(text, /There is no layer .*: choose one of 0, 1, 2, auto, high, mid, low/);
    }
    for (const wrong of ["max_height=0", "max_height=tall", "max_height=1e3"]) {
      assert.match((await offer(wrong))[1], /greatest height: it is a number of lines, as 480/);
    }
    for (const right of ["layer=2", "layer=high", "layer=&max_height=", "max_height=480"]) {
      assert.equal((await offer(right))[0], 201, right);
    }
  });

  test("who comes before the stream may ask for any layer, and gets it if it comes", async () => {
    const early = await watch("early", "&layer=1");
    const other = await watch("early", "&layer=nonsense");
    await film("early");
    await until(() => early.rid === "h" && other.rid === "f", "each has his layer");
  });

  test("only who has the session's secret may choose, and only for a viewer", async () => {
    const camera = await film("secret");
    const shown = await watch("secret");
    assert.equal((await choose(shown, "{"))[0], 400);
    assert.equal((await choose(shown, { encodingId: 7 }))[0], 400);
    assert.equal((await choose(shown, { encodingId: "nine" }))[0], 400);
    assert.equal((await choose(shown, { maxHeight: -1 }))[0], 400);
    const url = layerUrl(shown);
    for (const wrong of [
      url.replace(/token=./, "token=_"),
      url.replace(/session=./, "session=_"),
    ]) {
      const answer = await fetch(wrong, { method: "POST", body: "{}" });
      assert.equal(answer.status, 404);
    }
    const publishers = layerUrl({ client: camera.client, rid: "" });
    assert.equal((await fetch(publishers, { method: "POST", body: "{}" })).status, 404);
    assert.equal((await fetch(url, { method: "PUT", body: "{}" })).status, 404);
  });
});
