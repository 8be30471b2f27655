/** Made by `npm run codecs:thread` from thread.ts; not edited by hand. @module */

export const threadCode: string = `
"use strict";
(() => {
  // bundle.ts
  function bundled(packets) {
    let size = 0;
    for (const { data: data2 } of packets) size += data2.length;
    const data = new Uint8Array(size);
    let at = 0;
    for (const packet of packets) {
      data.set(packet.data, at);
      at += packet.data.length;
    }
    const sizes = packets.map((packet) => packet.data.length);
    return { data, sizes, times: packets.map(({ pts }) => pts) };
  }
  function unbundled({ data, sizes, times }) {
    let at = 0;
    return sizes.map((size, i) => {
      at += size;
      return { data: data.subarray(at - size, at), pts: times[i] ?? 0 };
    });
  }

  // module.ts
  async function compileCodecs(packed) {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return await WebAssembly.compile(await new Response(stream).arrayBuffer());
  }
  function startCodecs(module) {
    const instance = new WebAssembly.Instance(module, imports(module));
    const exports = instance.exports;
    exports._initialize();
    return exports;
  }
  function bytesAt(codecs, at, bytes) {
    return new Uint8Array(codecs.memory.buffer, at, bytes);
  }
  var NO_FILE = 8;
  function imports(module) {
    const wasi = {};
    for (const { name } of WebAssembly.Module.imports(module)) {
      wasi[name] = name.startsWith("environ") || name === "clock_time_get" ? () => 0 : () => NO_FILE;
    }
    wasi["proc_exit"] = (code) => {
      throw new Error(\`codecs.wasm ended with \${code}\`);
    };
    return { wasi_snapshot_preview1: wasi };
  }

  // sound.ts
  var SAMPLE_RATE = 48e3;
  var MOST_CHANNELS = 2;
  var PACKET_MAX_BYTES = 8192;
  var CONFIGURATION_MAX_BYTES = 256;
  var CODEC_NUMBER = {
    opus: 0,
    aac: 1,
    mp3: 2,
    pcma: 3,
    pcmu: 4
  };

  // decoder.ts
  var AudioDecoder = class _AudioDecoder {
    channels;
    #codecs;
    #decoder;
    constructor(codecs, decoder, channels) {
      this.#codecs = codecs;
      this.#decoder = decoder;
      this.channels = channels;
    }
    /** Puts out \`channels\`, 1 or 2; \`undefined\` when the format cannot be decoded. */
    static open(codecs, format, channels) {
      const { codec, configuration, sampleRate } = format;
      if (configuration.length > CONFIGURATION_MAX_BYTES) return void 0;
      if (format.channels < 1 || format.channels > 8 || !(sampleRate >= 7350)) return void 0;
      if (sampleRate > 96e3) return void 0;
      const bytes = codec === "aac" ? configuration.length : 0;
      const at = codecs.bytes_new(bytes + 1);
      if (at === 0) return void 0;
      bytesAt(codecs, at, bytes).set(configuration.subarray(0, bytes));
      const number = CODEC_NUMBER[codec];
      const decoder = codecs.decoder_new(number, at, bytes, format.channels, sampleRate, channels);
      codecs.bytes_free(at);
      return decoder === 0 ? void 0 : new _AudioDecoder(codecs, decoder, channels);
    }
    /** What the packet says, at 48 kHz; \`undefined\` when it cannot be decoded. */
    decode(packet) {
      if (packet.length === 0 || packet.length > PACKET_MAX_BYTES) return void 0;
      const at = this.#codecs.decoder_input(this.#decoder, packet.length);
      if (at === 0) return void 0;
      bytesAt(this.#codecs, at, packet.length).set(packet);
      return this.#converted(this.#codecs.decoder_decode(this.#decoder, packet.length));
    }
    /** In the place of \`millis\` that are missing, or a little less. */
    conceal(millis) {
      const frames = Math.round(millis * this.#codecs.decoder_rate(this.#decoder) / 1e3);
      if (frames < 1) return void 0;
      return this.#converted(this.#codecs.decoder_conceal(this.#decoder, frames));
    }
    /** Frames that were taken and will come with the next ones. */
    get lag() {
      return this.#codecs.decoder_lag(this.#decoder);
    }
    /** Makes \`delta\` frames more of the next \`distance\`, or less: a change of pitch by that much. */
    stretch(delta, distance) {
      this.#codecs.decoder_stretch(this.#decoder, delta, distance);
    }
    close() {
      this.#codecs.decoder_free(this.#decoder);
    }
    #converted(decoded) {
      if (decoded < 0) return void 0;
      const frames = decoded === 0 ? 0 : this.#codecs.decoder_convert(this.#decoder);
      if (frames < 0) return void 0;
      return { at: this.#codecs.decoder_output(this.#decoder), frames };
    }
  };

  // encoder.ts
  var OPUS_COMPLEXITY = 7;
  var AudioEncoder = class _AudioEncoder {
    format;
    #codecs;
    #encoder;
    constructor(codecs, encoder, format) {
      this.#codecs = codecs;
      this.#encoder = encoder;
      this.format = format;
    }
    /** Takes \`channels\`, 1 or 2; \`bitrate\` in bit/s. */
    static open(codecs, codec, channels, bitrate) {
      const encoder = codecs.encoder_new(CODEC_NUMBER[codec], channels, bitrate, OPUS_COMPLEXITY);
      if (encoder === 0) return void 0;
      const configuration = codec === "opus" ? opusHead(channels, codecs.encoder_lookahead(encoder)) : bytesAt(
        codecs,
        codecs.encoder_config(encoder),
        codecs.encoder_config_bytes(encoder)
      ).slice();
      const format = { codec, configuration, sampleRate: SAMPLE_RATE, channels };
      return new _AudioEncoder(codecs, encoder, format);
    }
    /** Calls \`take\` with each packet that is done. */
    encode(samples, take) {
      const codecs = this.#codecs;
      if (codecs.encoder_put(this.#encoder, samples.at, samples.frames) < 0) return;
      for (; ; ) {
        const bytes = codecs.encoder_next(this.#encoder);
        if (bytes <= 0) return;
        const data = bytesAt(codecs, codecs.encoder_data(this.#encoder), bytes);
        take({ data: new Uint8Array(data), time: codecs.encoder_time(this.#encoder) });
      }
    }
    close() {
      this.#codecs.encoder_free(this.#encoder);
    }
  };
  function opusHead(channels, preSkip) {
    const head = new Uint8Array(19);
    head.set([79, 112, 117, 115, 72, 101, 97, 100, 1, channels]);
    head.set([preSkip & 255, preSkip >> 8, SAMPLE_RATE & 255, SAMPLE_RATE >> 8], 10);
    return head;
  }

  // transcoder.ts
  var GAP_MILLIS = {
    // Packets get lost; their times are exact.
    opus: 18,
    pcma: 18,
    pcmu: 18,
    // Nothing gets lost over TCP; times are rounded to ms and worse.
    aac: 45,
    mp3: 45
  };
  var LONGEST_FILLED_MILLIS = 1e3;
  var FADE_MILLIS = 20;
  var DRIFT_FRAMES = SAMPLE_RATE;
  var DRIFT_WEIGHT = 1 / 50;
  var DRIFT_DEAD_MILLIS = 0.3;
  var STRETCH_MAX_FRAMES = 48;
  var Transcoder = class _Transcoder {
    format;
    #decoder;
    #encoder;
    #gap;
    #preSkip;
    #take;
    /** Frames given to the encoder so far, and in what time of the source the first would be. */
    #given = 0;
    #base;
    /** Before the last jump: frames below \`until\` are at \`base\`. */
    #before;
    #drift = 0;
    #stretchAt = DRIFT_FRAMES;
    /** Packets that could not be decoded, and such that came too late. */
    bad = 0;
    late = 0;
    constructor(decoder, encoder, from, take) {
      this.#decoder = decoder;
      this.#encoder = encoder;
      this.#gap = GAP_MILLIS[from.codec];
      this.#preSkip = preSkipOf(from);
      this.#take = take;
      this.format = encoder.format;
    }
    /** \`undefined\` when the source cannot be decoded, or memory is short. */
    static open(codecs, { from, to, bitrate }, take) {
      const channels = Math.min(from.channels, MOST_CHANNELS);
      const decoder = AudioDecoder.open(codecs, from, channels);
      if (decoder === void 0) return void 0;
      const encoder = AudioEncoder.open(codecs, to, channels, bitrate);
      if (encoder !== void 0) return new _Transcoder(decoder, encoder, from, take);
      decoder.close();
      return void 0;
    }
    /** \`pts\` in ms, with fractions. */
    put(data, pts) {
      const at = pts - this.#preSkip;
      this.#base ??= at;
      let off = at - this.#due();
      if (off < -LONGEST_FILLED_MILLIS || off > LONGEST_FILLED_MILLIS) {
        this.#jump(at);
        off = 0;
      } else if (off <= -this.#gap) {
        this.late++;
        return;
      } else if (off >= this.#gap) {
        this.#encode(this.#decoder.conceal(off));
        off = at - this.#due();
      }
      this.#follow(off);
      const samples = this.#decoder.decode(data);
      if (samples === void 0) this.bad++;
      else this.#encode(samples);
    }
    close() {
      this.#decoder.close();
      this.#encoder.close();
    }
    /** When the next packet is due: where the one before ended. */
    #due() {
      return this.#timeOf(this.#given + this.#decoder.lag);
    }
    /** In ms, of a frame counted from the first. */
    #timeOf(frame) {
      const before = this.#before;
      const base = before !== void 0 && frame < before.until ? before.base : this.#base;
      return (base ?? 0) + frame * 1e3 / SAMPLE_RATE;
    }
    #encode(samples) {
      if (samples === void 0) return;
      this.#given += samples.frames;
      this.#encoder.encode(samples, this.#emit);
    }
    #emit = ({ data, time }) => {
      this.#take({ data, pts: this.#timeOf(time) });
    };
    #jump(at) {
      this.#encode(this.#decoder.conceal(FADE_MILLIS));
      const until = this.#given + this.#decoder.lag;
      if (this.#base !== void 0) this.#before = { until, base: this.#base };
      this.#base = at - until * 1e3 / SAMPLE_RATE;
      this.#drift = 0;
    }
    /** The sender's clock and ours differ by some 10 ppm, his times and his samples often by more. */
    #follow(off) {
      this.#drift += (off - this.#drift) * DRIFT_WEIGHT;
      if (this.#given < this.#stretchAt) return;
      this.#stretchAt = this.#given + DRIFT_FRAMES;
      if (Math.abs(this.#drift) < DRIFT_DEAD_MILLIS) return;
      const frames = Math.round(this.#drift * SAMPLE_RATE / 2e3);
      const delta = Math.max(-STRETCH_MAX_FRAMES, Math.min(STRETCH_MAX_FRAMES, frames));
      if (delta !== 0) this.#decoder.stretch(delta, DRIFT_FRAMES);
    }
  };
  function preSkipOf({ codec, configuration }) {
    if (codec !== "opus" || configuration.length < 12) return 0;
    const frames = (configuration[10] ?? 0) | (configuration[11] ?? 0) << 8;
    return Math.min(frames, SAMPLE_RATE / 10) * (1e3 / SAMPLE_RATE);
  }

  // host.ts
  var TRAPS_MAX = 3;
  var TRAP_FORGOTTEN_PACKETS = 1e3;
  var TranscodeHost = class {
    #post;
    #held = /* @__PURE__ */ new Map();
    /** What came before the module was there, bounded by who sends. */
    #early = [];
    #module;
    #codecs;
    /** What the packets under way have given. */
    #packets = [];
    constructor(post) {
      this.#post = post;
    }
    async handle(message) {
      if (message.kind === "module") this.#begin(message.module);
      else if (message.kind === "packed") this.#begin(await compileCodecs(message.packed));
      else if (this.#early !== void 0) this.#early.push(message);
      else this.#do(message);
    }
    #begin(module) {
      this.#module = module;
      this.#codecs = startCodecs(module);
      const early = this.#early ?? [];
      this.#early = void 0;
      for (const one of early) this.#do(one);
    }
    #do(message) {
      try {
        if (message.kind === "open") this.#open(message.id, message.options);
        else if (message.kind === "put") this.#put(message.id, message.packets);
        else this.#close(message.id);
      } catch (error) {
        this.#restart(error, message.id);
        if (message.kind === "put") this.#done(message.id, message.packets.sizes.length, 1);
      }
    }
    #open(id, options) {
      const held = { options, traps: 0, packets: 0, transcoder: void 0 };
      this.#held.set(id, held);
      held.transcoder = this.#start(options);
      if (held.transcoder === void 0) this.#post({ kind: "refused", id }, []);
      else this.#post({ kind: "format", id, format: held.transcoder.format }, []);
    }
    #put(id, bundle) {
      const held = this.#held.get(id);
      const transcoder = held?.transcoder;
      const bad = transcoder?.bad ?? 0;
      if (held !== void 0 && transcoder !== void 0) {
        for (const { data, pts } of unbundled(bundle)) transcoder.put(data, pts);
        held.packets += bundle.sizes.length;
      }
      this.#done(id, bundle.sizes.length, (transcoder?.bad ?? 0) - bad);
    }
    #done(id, taken, bad) {
      const packets = bundled(this.#packets);
      this.#packets = [];
      this.#post({ kind: "done", id, taken, bad, packets }, [packets.data.buffer]);
    }
    #close(id) {
      this.#held.get(id)?.transcoder?.close();
      this.#held.delete(id);
    }
    #start(options) {
      if (this.#codecs === void 0) return void 0;
      return Transcoder.open(this.#codecs, options, (packet) => this.#packets.push(packet));
    }
    /** The instance's memory is not to be trusted any more. */
    #restart(error, by) {
      if (this.#module === void 0) return;
      this.#codecs = startCodecs(this.#module);
      this.#packets = [];
      this.#post({ kind: "trapped", words: String(error) }, []);
      for (const [id, held] of this.#held) {
        if (id === by) {
          held.traps = held.packets > TRAP_FORGOTTEN_PACKETS ? 1 : held.traps + 1;
          held.packets = 0;
        }
        const before = held.transcoder;
        held.transcoder = held.traps < TRAPS_MAX ? this.#start(held.options) : void 0;
        if (held.transcoder === void 0 && before !== void 0)
          this.#post({ kind: "refused", id }, []);
      }
    }
  };

  // thread.ts
  var scope = globalThis;
  var host = new TranscodeHost((message, transfer) => scope.postMessage(message, transfer));
  scope.onmessage = ({ data }) => void host.handle(data);
})();
`;
