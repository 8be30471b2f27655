/*
 * SRTP with AES-CM and HMAC-SHA1-80 (RFC 3711) for a group of viewers in one call: header rewrite, XOR with the keystream,
 * HMAC-SHA1 (RFC 2104, FIPS 180-4) of four packets at a time in the lanes of a vector, and the length of RFC 4571 in front.
 * The keystream is made outside, of the counter blocks that are laid out here. No branch and no address depends on what is
 * secret. Built by `npm run lanes:build` into srtp_lanes.gen.ts.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef u32 v4 __attribute__((vector_size(16)));
typedef u8 v16 __attribute__((vector_size(16)));

#define EXPORT(name) __attribute__((export_name(#name))) name
#define BLOCK 64
#define TAG 10
#define SLACK 64
#define MOST_VIEWERS 64
#define MOST_PACKETS 512
#define MOST_JOBS 1024
#define PLAIN_BYTES (256 * 1024)
#define KEYSTREAM_BYTES (512 * 1024)
#define OUT_BYTES (512 * 1024)
#define COUNTER_BYTES (320 * 1024)
/* Keystream made ahead for one SSRC of a viewer. Pages that nobody used are not there. */
#define SLOT_BYTES (24 * 1024)
#define MOST_SLOTS 2048

/* A plaintext packet: where in `plain`, its header's bytes and all bytes, offset of its transport-wide number or 0. */
typedef struct { u32 at, header, bytes, transport_at; } Packet;
/* One packet for one viewer. `numbers`: sequence number, transport-wide number << 16. `type`: payload type; NONE for no packet. */
typedef struct { u32 out, keystream, numbers, rollover, ssrc, timestamp, type, unused; } Job;
#define NONE 0x80

/* The states after the inner and the outer pad, of each viewer. */
static u32 states[MOST_VIEWERS][10];
static Packet packets[MOST_PACKETS];
/* Those of the first viewer, then those of the next. */
static Job jobs[MOST_JOBS];
static u8 salt[16] __attribute__((aligned(16)));
static u8 plain[PLAIN_BYTES + SLACK] __attribute__((aligned(16)));
/* That of the batch, then the slots. */
static u8 keystream[KEYSTREAM_BYTES + MOST_SLOTS * SLOT_BYTES] __attribute__((aligned(16)));
static u8 out[OUT_BYTES + SLACK] __attribute__((aligned(16)));
static u8 counters[COUNTER_BYTES] __attribute__((aligned(16)));

void *EXPORT(states_at)(void) { return states; }
void *EXPORT(packets_at)(void) { return packets; }
void *EXPORT(jobs_at)(void) { return jobs; }
u8 *EXPORT(salt_at)(void) { return salt; }
u8 *EXPORT(plain_at)(void) { return plain; }
u8 *EXPORT(keystream_at)(void) { return keystream; }
u8 *EXPORT(out_at)(void) { return out; }
u8 *EXPORT(counters_at)(void) { return counters; }
u32 EXPORT(most_viewers)(void) { return MOST_VIEWERS; }
u32 EXPORT(most_packets)(void) { return MOST_PACKETS; }
u32 EXPORT(most_jobs)(void) { return MOST_JOBS; }
u32 EXPORT(plain_bytes)(void) { return PLAIN_BYTES; }
u32 EXPORT(keystream_bytes)(void) { return KEYSTREAM_BYTES; }
u32 EXPORT(slot_bytes)(void) { return SLOT_BYTES; }
u32 EXPORT(most_slots)(void) { return MOST_SLOTS; }
u32 EXPORT(out_bytes)(void) { return OUT_BYTES; }
u32 EXPORT(counter_bytes)(void) { return COUNTER_BYTES; }

static const u32 FIRST[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define WORD(i) (w[(i) & 15] = (i) < 16 ? w[(i) & 15] : ROTATE(w[((i) + 13) & 15] ^ w[((i) + 8) & 15] ^ w[((i) + 2) & 15] ^ w[(i) & 15], 1))
#define STEP(f, k, i) \
    do { \
        t = ROTATE(a, 5) + (f) + e + (k) + WORD(i); \
        e = d; d = c; c = ROTATE(b, 30); b = a; a = t; \
    } while (0)
#define COMPRESS(name, type) \
    static void name(type s[5], type w[16]) { \
        type a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], t; \
        _Pragma("unroll") for (int i = 0; i < 20; i++) STEP(d ^ (b & (c ^ d)), 0x5a827999u, i); \
        _Pragma("unroll") for (int i = 20; i < 40; i++) STEP(b ^ c ^ d, 0x6ed9eba1u, i); \
        _Pragma("unroll") for (int i = 40; i < 60; i++) STEP((b & c) | (d & (b | c)), 0x8f1bbcdcu, i); \
        _Pragma("unroll") for (int i = 60; i < 80; i++) STEP(b ^ c ^ d, 0xca62c1d6u, i); \
        s[0] += a; s[1] += b; s[2] += c; s[3] += d; s[4] += e; \
    }
COMPRESS(compress1, u32)
COMPRESS(compress4, v4)

static u32 big(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }
static void put_big(u8 *p, u32 v) { p[0] = v >> 24; p[1] = v >> 16; p[2] = v >> 8; p[3] = v; }
static void words1(u32 w[16], const u8 *p) {
    for (int i = 0; i < 16; i++) w[i] = big(p + 4 * i);
}
static v4 four(const u8 *p) {
    v16 b;
    __builtin_memcpy(&b, p, 16);
    return (v4)__builtin_shufflevector(b, b, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}
static void words4(v4 w[16], const u8 *const p[4]) {
    for (int i = 0; i < 4; i++) {
        v4 a = four(p[0] + 16 * i), b = four(p[1] + 16 * i), c = four(p[2] + 16 * i), d = four(p[3] + 16 * i);
        v4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);
        v4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
        w[4 * i] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
        w[4 * i + 1] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
        w[4 * i + 2] = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
        w[4 * i + 3] = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
    }
}

static v16 load(const u8 *p) {
    v16 b;
    __builtin_memcpy(&b, p, 16);
    return b;
}
static void store(u8 *p, v16 b) { __builtin_memcpy(p, &b, 16); }
static void put16(u8 *p, u32 v) { p[0] = v >> 8; p[1] = v; }

/* The last one or two blocks of a message, padded; returns the blocks of all of it. Reads up to SLACK bytes behind the message. */
#define TAIL (2 * BLOCK + 32)
static u32 finish(u8 tail[TAIL], const u8 *p, u32 bytes) {
    u32 whole = bytes / BLOCK, rest = bytes % BLOCK, blocks = rest + 9 > BLOCK ? 2 : 1;
    u64 bits = ((u64)bytes + BLOCK) * 8;
    for (u32 i = 0; i < BLOCK; i += 16) store(tail + i, load(p + whole * BLOCK + i));
    for (u32 i = 0; i < BLOCK + 32; i += 16) store(tail + rest + i, (v16){0});
    tail[rest] = 0x80;
    put_big(tail + blocks * BLOCK - 8, (u32)(bits >> 32));
    put_big(tail + blocks * BLOCK - 4, (u32)bits);
    return whole + blocks;
}
static const u8 *block(const u8 *p, const u8 *tail, u32 bytes, u32 i) {
    u32 whole = bytes / BLOCK;
    return i < whole ? p + i * BLOCK : tail + (i - whole) * BLOCK;
}

/* A message and whose it is; the tag is written over its last four bytes and behind them. */
typedef struct { const u32 *states; u8 *at; u32 bytes; } Message;

static void put_tag(const Message *m, u32 a, u32 b, u32 c) {
    u8 *tag = m->at + m->bytes - 4;
    put_big(tag, a);
    put_big(tag + 4, b);
    put16(tag + 8, c >> 16);
}
static void sign1(const Message *m) {
    u8 tail[TAIL];
    u32 s[5], w[16] = {0}, blocks = finish(tail, m->at, m->bytes);
    for (int i = 0; i < 5; i++) s[i] = m->states[i];
    for (u32 i = 0; i < blocks; i++) {
        u32 b[16];
        words1(b, block(m->at, tail, m->bytes, i));
        compress1(s, b);
    }
    for (int i = 0; i < 5; i++) w[i] = s[i];
    w[5] = 0x80000000;
    w[15] = (BLOCK + 20) * 8;
    for (int i = 0; i < 5; i++) s[i] = m->states[5 + i];
    compress1(s, w);
    put_tag(m, s[0], s[1], s[2]);
}
/* Lanes without a message do the last again. */
static void sign4(const Message m[4], u32 lanes) {
    u8 tail[4][TAIL];
    u32 blocks[4], most = 0, fewest = ~0u;
    const Message *of[4];
    for (u32 l = 0; l < 4; l++) {
        of[l] = m + (l < lanes ? l : lanes - 1);
        blocks[l] = finish(tail[l], of[l]->at, of[l]->bytes);
        if (blocks[l] > most) most = blocks[l];
        if (of[l]->bytes / BLOCK < fewest) fewest = of[l]->bytes / BLOCK;
    }
    v4 s[5], w[16];
#define GATHER(from) \
    for (int i = 0; i < 5; i++) s[i] = (v4){of[0]->states[from + i], of[1]->states[from + i], of[2]->states[from + i], of[3]->states[from + i]}
    GATHER(0);
    for (u32 i = 0; i < fewest; i++) {
        const u8 *now[4] = {of[0]->at + i * BLOCK, of[1]->at + i * BLOCK, of[2]->at + i * BLOCK, of[3]->at + i * BLOCK};
        words4(w, now);
        compress4(s, w);
    }
    for (u32 i = fewest; i < most; i++) {
        const u8 *now[4];
        v4 before[5], mask;
        for (u32 l = 0; l < 4; l++) {
            u32 more = i < blocks[l];
            now[l] = more ? block(of[l]->at, tail[l], of[l]->bytes, i) : tail[l];
            mask[l] = more ? ~0u : 0;
        }
        for (int k = 0; k < 5; k++) before[k] = s[k];
        words4(w, now);
        compress4(s, w);
        for (int k = 0; k < 5; k++) s[k] = (s[k] & mask) | (before[k] & ~mask);
    }
    for (int i = 0; i < 16; i++) w[i] = (v4){0, 0, 0, 0};
    for (int i = 0; i < 5; i++) w[i] = s[i];
    w[5] += 0x80000000;
    w[15] += (BLOCK + 20) * 8;
    GATHER(5);
    compress4(s, w);
    for (u32 l = 0; l < lanes; l++) put_tag(m + l, s[0][l], s[1][l], s[2][l]);
}

/* The states of the key in `plain`, 64 bytes, zeros behind it: into those of the first viewer. */
void EXPORT(prepare)(void) {
    for (int outer = 0; outer < 2; outer++) {
        u32 w[16], *s = states[0] + 5 * outer;
        for (int i = 0; i < 16; i++) w[i] = big(plain + 4 * i) ^ (outer ? 0x5c5c5c5c : 0x36363636);
        for (int i = 0; i < 5; i++) s[i] = FIRST[i];
        compress1(s, w);
    }
}

/*
 * Counter blocks (section 4.1.1) for `count` packets from one index on, `blocks` for each, at `at` of `counters`:
 *     (salt << 16) XOR (SSRC << 64) XOR (index << 16) XOR block number
 */
void EXPORT(count)(u32 at, u32 ssrc, u32 rollover, u32 sequence, u32 count, u32 blocks) {
    u8 *p = counters + at;
    v16 mask = load(salt);
    for (u32 i = 0; i < count; i++) {
        u8 first[16] = {0};
        u32 number = sequence + i;
        put_big(first + 4, ssrc);
        put_big(first + 8, rollover + (number >> 16));
        put16(first + 12, number);
        v4 base = (v4)(load(first) ^ mask);
        for (u32 k = 0; k < blocks; k++, p += 16) store(p, (v16)(base ^ (v4){0, 0, 0, (k & 0xff) << 24 | (k >> 8) << 16}));
    }
}

/* Writes the packet and behind it the rollover counter, which is signed too (section 4.2). */
static Message laid_out(const Job *job, const Packet *packet, const u32 *of, u32 framed) {
    const u8 *from = plain + packet->at, *key = keystream + job->keystream;
    u8 *to = out + job->out;
    u32 header = packet->header, body = packet->bytes - header, i = 0;
    if (framed) put16(to - 2, packet->bytes + TAG);
    for (; i < header; i += 4) __builtin_memcpy(to + i, from + i, 4);
    to[1] = (from[1] & 0x80) | job->type;
    put16(to + 2, job->numbers);
    put_big(to + 4, big(from + 4) + job->timestamp);
    put_big(to + 8, job->ssrc);
    if (packet->transport_at) put16(to + packet->transport_at, job->numbers >> 16);
    from += header;
    to += header;
    for (i = 0; i + 16 <= body; i += 16) store(to + i, load(from + i) ^ load(key + i));
    for (; i < body; i++) to[i] = from[i] ^ key[i];
    put_big(to + body, job->rollover);
    return (Message){of, to - header, packet->bytes + 4};
}

/* Seals all jobs. Lanes are the viewers of one packet first: those are of one length. */
void EXPORT(seal)(u32 viewers, u32 count, u32 framed) {
    Message m[4];
    u32 lanes = 0;
    for (u32 p = 0; p < count; p++) {
        for (u32 v = 0; v < viewers; v++) {
            const Job *job = jobs + v * count + p;
            if (job->type & NONE) continue;
            m[lanes++] = laid_out(job, packets + p, states[v], framed);
            if (lanes < 4) continue;
            sign4(m, 4);
            lanes = 0;
        }
    }
    if (lanes == 1) sign1(m);
    else if (lanes > 1) sign4(m, lanes);
}
