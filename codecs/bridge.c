/*
 * What codecs.wasm exports: decoders of sound to 48 kHz, encoders from 48 kHz.
 *
 * FFmpeg (LGPL 2.1 or later) decodes AAC, MP3 and G.711, encodes AAC-LC and resamples; libopus (BSD)
 * does Opus. All samples are interleaved floats; a "frame" here is one sample of every channel.
 * Results below 0 are errors. Pointers to what a call gave are good until the next call.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "libavcodec/avcodec.h"
#include "libavutil/channel_layout.h"
#include "libavutil/log.h"
#include "libavutil/opt.h"
#include "libswresample/swresample.h"
#include "opus.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

enum { CODEC_OPUS = 0, CODEC_AAC = 1, CODEC_MP3 = 2, CODEC_PCMA = 3, CODEC_PCMU = 4 };
enum { RATE = 48000, MOST_FRAMES = 65536, PADDING = AV_INPUT_BUFFER_PADDING_SIZE };
/* Concealment: how much is mirrored, the longest that libopus conceals, its smallest unit. */
enum { TAIL = 480, PLC_MOST = 5760, PLC_CHUNK = 960, PLC_UNIT = 120 };
enum { NO_MEMORY = -1, TOO_MUCH = -2, NOT_STARTED = -3 };

typedef struct {
  int codec, out_channels;
  AVCodecContext *context;
  AVPacket *packet;
  AVFrame *frame;
  OpusDecoder *opus;
  SwrContext *resampler;
  uint8_t *input;
  int input_bytes;
  /* Decoded and not yet resampled. */
  float *raw;
  int raw_room, raw_frames, channels, rate;
  /* What stands at the end of the last raw block, for concealment; fades the next one in. */
  float tail[TAIL * 8];
  int tail_frames, fade_in, concealed;
  float *output;
  int output_room;
} Decoder;

typedef struct {
  int codec, channels, unit;
  AVCodecContext *context;
  AVPacket *packet;
  AVFrame *frame;
  OpusEncoder *opus;
  float *waiting;
  int waiting_frames, waiting_room;
  int64_t taken;
  double time;
  int lookahead;
  uint8_t bytes[4000];
} Encoder;

static int grow(float **buffer, int *room, int floats) {
  if (floats <= *room) return 1;
  int more = floats + floats / 2;
  float *next = realloc(*buffer, (size_t)more * sizeof(float));
  if (!next) return 0;
  *buffer = next;
  *room = more;
  return 1;
}

void EXPORT(decoder_free)(Decoder *d) {
  if (!d) return;
  swr_free(&d->resampler);
  av_frame_free(&d->frame);
  av_packet_free(&d->packet);
  avcodec_free_context(&d->context);
  if (d->opus) opus_decoder_destroy(d->opus);
  free(d->input);
  free(d->raw);
  free(d->output);
  free(d);
}

/* Room for a packet of `bytes`, to be written before `decoder_new` (with d = 0) or `decoder_decode`. */
uint8_t *EXPORT(bytes_new)(int bytes) { return malloc(bytes); }
void EXPORT(bytes_free)(uint8_t *bytes) { free(bytes); }

static int open_av(Decoder *d, const uint8_t *config, int bytes) {
  static const enum AVCodecID ids[] = {0, AV_CODEC_ID_AAC, AV_CODEC_ID_MP3, AV_CODEC_ID_PCM_ALAW,
                                       AV_CODEC_ID_PCM_MULAW};
  const AVCodec *codec = avcodec_find_decoder(ids[d->codec]);
  if (!codec || !(d->context = avcodec_alloc_context3(codec))) return 0;
  if (bytes > 0) {
    d->context->extradata = av_mallocz(bytes + PADDING);
    if (!d->context->extradata) return 0;
    memcpy(d->context->extradata, config, bytes);
    d->context->extradata_size = bytes;
  }
  av_channel_layout_default(&d->context->ch_layout, d->channels);
  d->context->sample_rate = d->rate;
  if (avcodec_open2(d->context, codec, 0) < 0) return 0;
  d->packet = av_packet_alloc();
  d->frame = av_frame_alloc();
  return d->packet && d->frame;
}

Decoder *EXPORT(decoder_new)(int codec, const uint8_t *config, int bytes, int channels, int rate,
                             int out_channels) {
  av_log_set_level(AV_LOG_QUIET);
  Decoder *d = calloc(1, sizeof *d);
  if (!d) return 0;
  d->codec = codec;
  d->channels = channels;
  d->rate = rate;
  d->out_channels = out_channels;
  int error = 0;
  if (codec == CODEC_OPUS) {
    d->rate = RATE;
    d->channels = out_channels;
    d->opus = opus_decoder_create(RATE, out_channels, &error);
  }
  if (codec == CODEC_OPUS ? d->opus != 0 : open_av(d, config, bytes)) return d;
  decoder_free(d);
  return 0;
}

uint8_t *EXPORT(decoder_input)(Decoder *d, int bytes) {
  if (d->input_bytes < bytes + PADDING) {
    uint8_t *next = realloc(d->input, bytes + PADDING);
    if (!next) return 0;
    d->input = next;
    d->input_bytes = bytes + PADDING;
  }
  memset(d->input + bytes, 0, PADDING);
  return d->input;
}

static int take_frame(Decoder *d) {
  AVFrame *f = d->frame;
  int channels = f->ch_layout.nb_channels;
  if (channels < 1 || channels > 8 || f->sample_rate < 1) return TOO_MUCH;
  if (d->raw_frames > 0 && (channels != d->channels || f->sample_rate != d->rate)) return TOO_MUCH;
  if (d->raw_frames + f->nb_samples > MOST_FRAMES) return TOO_MUCH;
  if (channels != d->channels || f->sample_rate != d->rate) {
    swr_free(&d->resampler);
    d->tail_frames = 0;
  }
  d->channels = channels;
  d->rate = f->sample_rate;
  if (!grow(&d->raw, &d->raw_room, (d->raw_frames + f->nb_samples) * channels)) return NO_MEMORY;
  float *to = d->raw + d->raw_frames * channels;
  for (int c = 0; c < channels; c++) {
    if (f->format == AV_SAMPLE_FMT_FLTP) {
      const float *from = (const float *)f->extended_data[c];
      for (int i = 0; i < f->nb_samples; i++) to[i * channels + c] = from[i];
    } else if (f->format == AV_SAMPLE_FMT_S16) {
      const int16_t *from = (const int16_t *)f->extended_data[0];
      for (int i = 0; i < f->nb_samples; i++) to[i * channels + c] = from[i * channels + c] / 32768.f;
    } else {
      return TOO_MUCH;
    }
  }
  d->raw_frames += f->nb_samples;
  return 0;
}

static int decode_av(Decoder *d, int bytes) {
  d->packet->data = d->input;
  d->packet->size = bytes;
  int result = avcodec_send_packet(d->context, d->packet);
  if (result < 0) return result;
  while (avcodec_receive_frame(d->context, d->frame) >= 0) {
    result = take_frame(d);
    av_frame_unref(d->frame);
    if (result < 0) return result;
  }
  return d->raw_frames;
}

static int decode_opus(Decoder *d, const uint8_t *data, int bytes, int frames) {
  int at = d->raw_frames * d->channels;
  if (d->raw_frames + frames > MOST_FRAMES) return TOO_MUCH;
  if (!grow(&d->raw, &d->raw_room, at + frames * d->channels)) return NO_MEMORY;
  int result = opus_decode_float(d->opus, data, bytes, d->raw + at, frames, 0);
  if (result > 0) d->raw_frames += result;
  return result;
}

static void keep_tail(Decoder *d) {
  int frames = d->raw_frames < TAIL ? d->raw_frames : TAIL;
  if (frames == 0) return;
  memcpy(d->tail, d->raw + (d->raw_frames - frames) * d->channels,
         (size_t)frames * d->channels * sizeof(float));
  d->tail_frames = frames;
}

/* A value that is no number would stay in the filters for good; a huge one is nobody's sound. */
static void make_sane(Decoder *d) {
  for (int i = 0; i < d->raw_frames * d->channels; i++) {
    float v = d->raw[i];
    d->raw[i] = v > 4.f ? 4.f : v < -4.f ? -4.f : v == v ? v : 0.f;
  }
}

/* Decodes the packet in `decoder_input`: how many frames at `decoder_rate` it gave. */
int EXPORT(decoder_decode)(Decoder *d, int bytes) {
  d->raw_frames = 0;
  int result = d->opus ? decode_opus(d, d->input, bytes, PLC_MOST) : decode_av(d, bytes);
  if (result < 0) {
    d->raw_frames = 0;
    return result;
  }
  make_sane(d);
  int fade = d->fade_in < d->raw_frames ? d->fade_in : d->raw_frames;
  for (int i = 0; i < fade; i++)
    for (int c = 0; c < d->channels; c++) d->raw[i * d->channels + c] *= (float)i / fade;
  if (d->raw_frames > 0) d->fade_in = d->concealed = 0;
  keep_tail(d);
  return d->raw_frames;
}

static void fade_out(Decoder *d, int from, int frames) {
  for (int i = 0; i < frames; i++)
    for (int c = 0; c < d->channels; c++)
      d->raw[(from + i) * d->channels + c] *= 1.f - (float)(i + 1) / frames;
}

/* In the place of `frames` at `decoder_rate` that are missing: how many it made, 0 to `frames`. */
int EXPORT(decoder_conceal)(Decoder *d, int frames) {
  d->raw_frames = 0;
  if (frames < 1 || frames > MOST_FRAMES) return TOO_MUCH;
  if (d->opus) {
    while (d->concealed < PLC_MOST && frames - d->raw_frames >= PLC_UNIT) {
      int left = frames - d->raw_frames;
      int chunk = left > PLC_CHUNK ? PLC_CHUNK : left / PLC_UNIT * PLC_UNIT;
      int result = decode_opus(d, 0, 0, chunk);
      if (result < 0) return result;
      d->concealed += result;
      if (d->concealed < PLC_MOST) continue;
      fade_out(d, d->raw_frames - result, result);
      d->fade_in = TAIL / 2;
    }
    if (d->concealed < PLC_MOST) return d->raw_frames;
  }
  if (!grow(&d->raw, &d->raw_room, frames * d->channels)) return NO_MEMORY;
  int from = d->raw_frames;
  memset(d->raw + from * d->channels, 0, (size_t)(frames - from) * d->channels * sizeof(float));
  d->raw_frames = frames;
  if (!d->opus) {
    /* The end of what was heard, backwards and fading: it goes on from the very sample. */
    int mirrored = d->tail_frames < frames ? d->tail_frames : frames;
    for (int i = 0; i < mirrored; i++)
      memcpy(d->raw + i * d->channels, d->tail + (d->tail_frames - 1 - i) * d->channels,
             d->channels * sizeof(float));
    fade_out(d, 0, mirrored);
    d->tail_frames = 0;
    d->fade_in = TAIL;
  }
  return frames;
}

int EXPORT(decoder_rate)(Decoder *d) { return d->rate; }
int EXPORT(decoder_channels)(Decoder *d) { return d->channels; }
float *EXPORT(decoder_raw)(Decoder *d) { return d->raw; }
float *EXPORT(decoder_output)(Decoder *d) { return d->output; }

static int open_resampler(Decoder *d) {
  AVChannelLayout in, out;
  av_channel_layout_default(&in, d->channels);
  av_channel_layout_default(&out, d->out_channels);
  int result = swr_alloc_set_opts2(&d->resampler, &out, AV_SAMPLE_FMT_FLT, RATE, &in,
                                   AV_SAMPLE_FMT_FLT, d->rate, 0, 0);
  if (result < 0) return result;
  /* Even at one rate, so that drift can be taken up without a seam. */
  av_opt_set_int(d->resampler, "flags", SWR_FLAG_RESAMPLE, 0);
  return swr_init(d->resampler);
}

/* Resamples what was decoded or concealed: how many frames at 48 kHz are at `decoder_output`. */
int EXPORT(decoder_convert)(Decoder *d) {
  int result = d->resampler ? 0 : open_resampler(d);
  if (result < 0) {
    swr_free(&d->resampler);
    return result;
  }
  int room = swr_get_out_samples(d->resampler, d->raw_frames);
  if (room < 0) return room;
  if (!grow(&d->output, &d->output_room, (room + 16) * d->out_channels)) return NO_MEMORY;
  const uint8_t *from = (const uint8_t *)d->raw;
  uint8_t *to = (uint8_t *)d->output;
  return swr_convert(d->resampler, &to, room + 16, &from, d->raw_frames);
}

/* What the resampler has taken and not yet given, in frames at 48 kHz. */
double EXPORT(decoder_lag)(Decoder *d) {
  return d->resampler ? swr_get_delay(d->resampler, (int64_t)RATE * 1000) / 1000.0 : 0;
}

/* Makes `delta` frames more (or less, below 0) of the next `distance` at 48 kHz. */
int EXPORT(decoder_stretch)(Decoder *d, int delta, int distance) {
  return d->resampler ? swr_set_compensation(d->resampler, delta, distance) : NOT_STARTED;
}

void EXPORT(encoder_free)(Encoder *e) {
  if (!e) return;
  av_frame_free(&e->frame);
  av_packet_free(&e->packet);
  avcodec_free_context(&e->context);
  if (e->opus) opus_encoder_destroy(e->opus);
  free(e->waiting);
  free(e);
}

static int open_aac(Encoder *e, int bitrate) {
  const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
  if (!codec || !(e->context = avcodec_alloc_context3(codec))) return 0;
  AVCodecContext *c = e->context;
  c->sample_fmt = AV_SAMPLE_FMT_FLTP;
  c->sample_rate = RATE;
  c->bit_rate = bitrate;
  c->time_base = (AVRational){1, RATE};
  c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  av_channel_layout_default(&c->ch_layout, e->channels);
  /* The default coder, twoloop, wobbles on tones and costs twice as much. */
  av_opt_set(c->priv_data, "aac_coder", "fast", 0);
  /* There are bits for both channels: intensity stereo costs what two unlike ones differ in (6 dB of noise). */
  if (bitrate >= 96000) av_opt_set_int(c->priv_data, "aac_is", 0, 0);
  if (avcodec_open2(c, codec, 0) < 0) return 0;
  e->packet = av_packet_alloc();
  e->frame = av_frame_alloc();
  if (!e->packet || !e->frame) return 0;
  e->unit = e->frame->nb_samples = 1024;
  e->frame->format = AV_SAMPLE_FMT_FLTP;
  e->frame->sample_rate = RATE;
  av_channel_layout_copy(&e->frame->ch_layout, &c->ch_layout);
  return av_frame_get_buffer(e->frame, 0) >= 0;
}

static int open_opus(Encoder *e, int bitrate, int complexity) {
  int error = 0;
  e->opus = opus_encoder_create(RATE, e->channels, OPUS_APPLICATION_AUDIO, &error);
  if (!e->opus) return 0;
  e->unit = 960;
  opus_encoder_ctl(e->opus, OPUS_SET_BITRATE(bitrate));
  opus_encoder_ctl(e->opus, OPUS_SET_COMPLEXITY(complexity));
  opus_encoder_ctl(e->opus, OPUS_GET_LOOKAHEAD(&e->lookahead));
  return 1;
}

Encoder *EXPORT(encoder_new)(int codec, int channels, int bitrate, int complexity) {
  av_log_set_level(AV_LOG_QUIET);
  Encoder *e = calloc(1, sizeof *e);
  if (!e) return 0;
  e->codec = codec;
  e->channels = channels;
  if (codec == CODEC_OPUS ? open_opus(e, bitrate, complexity) : open_aac(e, bitrate)) return e;
  encoder_free(e);
  return 0;
}

/* Takes frames at 48 kHz, of the encoder's number of channels. */
int EXPORT(encoder_put)(Encoder *e, const float *samples, int frames) {
  if (frames < 0 || e->waiting_frames + frames > 4 * MOST_FRAMES) return TOO_MUCH;
  int floats = (e->waiting_frames + frames) * e->channels;
  if (!grow(&e->waiting, &e->waiting_room, floats)) return NO_MEMORY;
  memcpy(e->waiting + e->waiting_frames * e->channels, samples,
         (size_t)frames * e->channels * sizeof(float));
  e->waiting_frames += frames;
  return 0;
}

static int next_aac(Encoder *e) {
  if (av_frame_make_writable(e->frame) < 0) return NO_MEMORY;
  for (int c = 0; c < e->channels; c++) {
    float *to = (float *)e->frame->data[c];
    for (int i = 0; i < e->unit; i++) to[i] = e->waiting[i * e->channels + c];
  }
  e->frame->pts = e->taken;
  int result = avcodec_send_frame(e->context, e->frame);
  if (result < 0) return result;
  result = avcodec_receive_packet(e->context, e->packet);
  if (result == AVERROR(EAGAIN)) return 0;
  if (result < 0) return result;
  e->time = (double)e->packet->pts;
  return e->packet->size;
}

/*
 * Encodes what waits: the size of a packet at `encoder_data`, or 0 when there is none yet; call it
 * until it gives 0.
 */
int EXPORT(encoder_next)(Encoder *e) {
  int result = 0;
  while (result == 0 && e->waiting_frames >= e->unit) {
    if (e->opus) {
      result = opus_encode_float(e->opus, e->waiting, e->unit, e->bytes, sizeof e->bytes);
      e->time = (double)(e->taken - e->lookahead);
    } else {
      result = next_aac(e);
    }
    e->taken += e->unit;
    e->waiting_frames -= e->unit;
    memmove(e->waiting, e->waiting + e->unit * e->channels,
            (size_t)e->waiting_frames * e->channels * sizeof(float));
  }
  return result;
}

uint8_t *EXPORT(encoder_data)(Encoder *e) { return e->opus ? e->bytes : e->packet->data; }
/* When a decoder gives the packet's first frame, counted in frames since the first that was put. */
double EXPORT(encoder_time)(Encoder *e) { return e->time; }
int EXPORT(encoder_lookahead)(Encoder *e) { return e->opus ? e->lookahead : 1024; }
uint8_t *EXPORT(encoder_config)(Encoder *e) { return e->context ? e->context->extradata : 0; }
int EXPORT(encoder_config_bytes)(Encoder *e) { return e->context ? e->context->extradata_size : 0; }
