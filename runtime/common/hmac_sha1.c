/*
 * HMAC-SHA1 of many messages with one key, four of them at a time in the lanes of a vector (RFC 2104, FIPS 180-4).
 * No branch and no address depends on what is secret. Built by `npm run hmac:build` into hmac_sha1.gen.ts.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef u32 v4 __attribute__((vector_size(16)));
typedef u8 v16 __attribute__((vector_size(16)));

#define EXPORT(name) __attribute__((export_name(#name))) name
#define BLOCK 64
#define MOST 128
#define DATA_BYTES (256 * 1024)

/* The states after the inner and the outer pad. */
static u32 states[10];
/* Where each message begins in `data`, and its bytes. */
static u32 at[MOST], size[MOST];
static u8 macs[MOST * 20];
static u8 data[DATA_BYTES] __attribute__((aligned(16)));

u32 *EXPORT(states_at)(void) { return states; }
u32 *EXPORT(at_at)(void) { return at; }
u32 *EXPORT(size_at)(void) { return size; }
u8 *EXPORT(macs_at)(void) { return macs; }
u8 *EXPORT(data_at)(void) { return data; }
u32 EXPORT(data_bytes)(void) { return DATA_BYTES; }
u32 EXPORT(most)(void) { return MOST; }

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

/* The last one or two blocks of a message, padded; returns the blocks of all of it. */
static u32 finish(u8 tail[2 * BLOCK], const u8 *p, u32 bytes) {
    u32 whole = bytes / BLOCK, rest = bytes % BLOCK, blocks = rest + 9 > BLOCK ? 2 : 1;
    u64 bits = ((u64)bytes + BLOCK) * 8;
    for (u32 i = 0; i < rest; i++) tail[i] = p[whole * BLOCK + i];
    for (u32 i = rest; i < blocks * BLOCK; i++) tail[i] = 0;
    tail[rest] = 0x80;
    put_big(tail + blocks * BLOCK - 8, (u32)(bits >> 32));
    put_big(tail + blocks * BLOCK - 4, (u32)bits);
    return whole + blocks;
}
static const u8 *block(const u8 *p, const u8 *tail, u32 bytes, u32 i) {
    u32 whole = bytes / BLOCK;
    return i < whole ? p + i * BLOCK : tail + (i - whole) * BLOCK;
}

static void one(u32 n) {
    u8 tail[2 * BLOCK];
    const u8 *p = data + at[n];
    u32 s[5], w[16] = {0}, blocks = finish(tail, p, size[n]);
    for (int i = 0; i < 5; i++) s[i] = states[i];
    for (u32 i = 0; i < blocks; i++) {
        u32 m[16];
        words1(m, block(p, tail, size[n], i));
        compress1(s, m);
    }
    for (int i = 0; i < 5; i++) w[i] = s[i];
    w[5] = 0x80000000;
    w[15] = (BLOCK + 20) * 8;
    for (int i = 0; i < 5; i++) s[i] = states[5 + i];
    compress1(s, w);
    for (int i = 0; i < 5; i++) put_big(macs + 20 * n + 4 * i, s[i]);
}
/* Messages `from` to `from` + `lanes`; lanes without one do the last again. */
static void some(u32 from, u32 lanes) {
    u8 tail[4][2 * BLOCK];
    u32 bytes[4], blocks[4], most_blocks = 0;
    const u8 *p[4];
    for (u32 l = 0; l < 4; l++) {
        u32 n = from + (l < lanes ? l : lanes - 1);
        p[l] = data + at[n];
        bytes[l] = size[n];
        blocks[l] = finish(tail[l], p[l], bytes[l]);
        if (blocks[l] > most_blocks) most_blocks = blocks[l];
    }
    v4 s[5], w[16];
    for (int i = 0; i < 5; i++) s[i] = (v4){states[i], states[i], states[i], states[i]};
    for (u32 i = 0; i < most_blocks; i++) {
        const u8 *now[4];
        v4 before[5], mask;
        for (u32 l = 0; l < 4; l++) {
            u32 more = i < blocks[l];
            now[l] = more ? block(p[l], tail[l], bytes[l], i) : tail[l];
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
    for (int i = 0; i < 5; i++) s[i] = (v4){states[5 + i], states[5 + i], states[5 + i], states[5 + i]};
    compress4(s, w);
    for (u32 l = 0; l < lanes; l++)
        for (int i = 0; i < 5; i++) put_big(macs + 20 * (from + l) + 4 * i, s[i][l]);
}

/* The states of the key in `data`, 64 bytes, zeros behind it. */
void EXPORT(prepare)(void) {
    for (int outer = 0; outer < 2; outer++) {
        u32 w[16], *s = states + 5 * outer;
        for (int i = 0; i < 16; i++) w[i] = big(data + 4 * i) ^ (outer ? 0x5c5c5c5c : 0x36363636);
        for (int i = 0; i < 5; i++) s[i] = FIRST[i];
        compress1(s, w);
    }
}
/* The MACs of `count` messages. */
void EXPORT(sign)(u32 count) {
    for (u32 n = 0; n < count; n += 4) {
        u32 lanes = count - n < 4 ? count - n : 4;
        if (lanes == 1) one(n);
        else some(n, lanes);
    }
}
