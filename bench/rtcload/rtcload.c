/*
 * rtcload - a small WebRTC load generator: WHIP publishers and WHEP players in one
 * single-threaded epoll process. Written from the RFCs (8489 STUN, 8445 ICE, 6544 ICE-TCP,
 * 4571 framing, 5764 DTLS-SRTP, 3550/3551 RTP, 6184 H.264, 7741 VP8, 7587 Opus, 4585 feedback).
 * IPv4, plain HTTP signalling, DTLS 1.2 client role. See README.md for use.
 */
#include "rtcload_util.h"
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <srtp2/srtp.h>

static struct {
    const char *publish, *play, *h264, *vp8, *opus, *candidate, *tag;
    int publishers, players, verify_every, slow, slow_rcvbuf, rcvbuf;
    double fps, ramp, duration, settle, timeout, slow_for, slow_at, min_ratio;
    bool tcp, gcm, use_vp8, sei, nack, no_delete, verbose;
} C = {.publishers = 1, .players = -1, .verify_every = 10, .slow_rcvbuf = 16384, .rcvbuf = 4 << 20, .fps = 30,
       .ramp = 50, .duration = 15, .settle = 3, .timeout = 15, .slow_for = 5, .slow_at = 1, .tcp = true, .sei = true,
       .tag = ""};

/* ---------- sessions ---------- */
enum state { S_IDLE, S_HCONN, S_HTTP, S_MCONN, S_ICE, S_DTLS, S_RUN, S_DEAD, S_ENDED };
static const char *const st_name[] = {"idle", "http connect", "http answer", "media connect", "ice", "dtls", "run",
                                      "dead", "ended"};
struct track { uint32_t ssrc, max; bool video; uint64_t bm[16]; };
struct cnt { uint64_t rx, bytes, lost, dup, late; };
struct sess {
    int idx, pubno;
    bool pub, verify, slow, slowed, was_run, eout;
    enum state st;
    int hfd, mfd;
    char ufrag[9], pwd[25], r_ufrag[257], r_pwd[257], location[1024], r_alg[16];
    uint8_t r_fp[64], tie[8], tid[12];
    int r_fplen, apt, vpt, ntrk, pay_ok_au;
    struct sockaddr_in cand, local;
    char *hb;
    size_t hl, hcap, txl, txo, txcap, rxl, rxcap;
    uint8_t *tx, *rx;
    SSL *ssl;
    BIO *rb, *wb;
    srtp_t in, out;
    uint32_t ssrc, key_ts, rtcp_rx;
    bool key_idr, key_bad;
    uint16_t key_seq;
    bool frame_open;                /* of a slow player: the last packet did not end its frame */
    uint64_t frame, gaps, gaps_inter, gaps_cut;
    int64_t t_start, t_http, t_ice, t_done, t_rtp, t_key, next_stun, stun_rto, stun_ok, next_rtcp;
    struct track trk[4];
    struct cnt c, c0;
};
struct pub {
    struct sess *s;
    uint32_t vssrc, assrc, vts0, ats0, vts, ats, vcount, acount, voct, aoct;
    uint16_t vseq, aseq;
    uint64_t frame, aframe, sent, sent0, bytes, bytes0, txdrop, pli, nack, rtx;
    int64_t vnext, anext, v0, a0, vlast, alast;
    struct { uint16_t seq, len; uint8_t d[MAX_PAYLOAD + 80]; } *ring;
};
static struct sess *S;          /* publishers first, then players */
static struct pub *P;
static int nsess, npub, ep, live_players, failed_players, lost_players;
static struct sockaddr_in pub_addr, play_addr;
static SSL_CTX *ctx;
static char my_fp[3 * 32 + 1];
static enum { PH_PUB, PH_WARM, PH_RAMP, PH_SETTLE, PH_PRE, PH_WIN, PH_DRAIN, PH_END } phase;
static bool slow_now, timed_out, pub_failed;
static volatile sig_atomic_t interrupted;
static int64_t t_begin, t0, t1, t_phase, t_last_rx, t_late_max, t_ramp0, t_ramp_last;
static uint64_t tot_rx, tot_bytes, tot_lost, verify_ok, verify_fail, pay_match, pay_miss, rtcp_bad, stun_rx_req;
static struct hist H_lat, H_frame, H_slow, H_calm;
static struct { char msg[120]; int n; } errs[24];

static void note_err(const char *m) {
    for (int i = 0; i < 24; i++) {
        if (!errs[i].n) snprintf(errs[i].msg, sizeof errs[i].msg, "%s", m);
        if (!errs[i].n || !strcmp(errs[i].msg, m)) { errs[i].n++; return; }
    }
}
static void close_sess(struct sess *s) {
    if (s->hfd >= 0) close(s->hfd);
    if (s->mfd >= 0) close(s->mfd);
    s->hfd = s->mfd = -1;
    if (s->ssl) SSL_free(s->ssl);
    if (s->in) srtp_dealloc(s->in);
    if (s->out) srtp_dealloc(s->out);
    free(s->hb); free(s->tx); free(s->rx);
    s->hb = NULL; s->tx = s->rx = NULL; s->ssl = NULL; s->in = s->out = NULL;
    s->hl = s->hcap = s->txl = s->txo = s->txcap = s->rxl = s->rxcap = 0;
}
__attribute__((format(printf, 2, 3))) static void fail(struct sess *s, const char *fmt, ...) {
    if (s->st >= S_DEAD) return;
    char b[160], m[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(b, sizeof b, fmt, ap);
    va_end(ap);
    snprintf(m, sizeof m, "%s %s: %s", s->pub ? "publisher" : "player", st_name[s->st], b);
    m[119] = 0;
    note_err(m);
    static int shown;
    if (shown++ < 8 || C.verbose) fprintf(stderr, "rtcload: #%d %s\n", s->idx, m);
    bool run = s->st == S_RUN;
    s->st = S_DEAD;
    if (s->pub) pub_failed = true;
    else if (run) { lost_players++; live_players--; }
    else failed_players++;
    close_sess(s);
}
static void ep_set(struct sess *s, int fd, bool http, int op, uint32_t ev) {
    struct epoll_event e = {.events = ev, .data.u64 = (uint64_t)s->idx << 1 | http};
    if (epoll_ctl(ep, op, fd, &e)) fail(s, "epoll_ctl: %s", strerror(errno));
}

/* ---------- media transport: datagrams on UDP, RFC 4571 frames on TCP ---------- */
static void tx_flush(struct sess *s) {
    while (s->txo < s->txl) {
        ssize_t n = send(s->mfd, s->tx + s->txo, s->txl - s->txo, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (n < 0) { fail(s, "send: %s", strerror(errno)); return; }
        s->txo += (size_t)n;
    }
    if (s->txo == s->txl) s->txo = s->txl = 0;
    bool want = s->txl > 0;
    if (want != s->eout) {
        s->eout = want;
        ep_set(s, s->mfd, false, EPOLL_CTL_MOD, (s->slowed ? 0 : EPOLLIN) | (want ? EPOLLOUT : 0));
    }
}
static bool tx_queue(struct sess *s, const uint8_t *p, size_t n) {    /* false: dropped */
    if (s->mfd < 0) return false;
    if (!C.tcp) return send(s->mfd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n;
    if (s->txo > 65536) { memmove(s->tx, s->tx + s->txo, s->txl -= s->txo); s->txo = 0; }
    if (s->txl - s->txo > MAX_TX) return false;
    if (s->txl + n + 2 > s->txcap) s->tx = xrealloc(s->tx, s->txcap = s->txl + n + 4096);
    wr16(s->tx + s->txl, (unsigned)n);
    memcpy(s->tx + s->txl + 2, p, n);
    s->txl += n + 2;
    return true;
}
static bool tx_now(struct sess *s, const uint8_t *p, size_t n) {
    bool ok = tx_queue(s, p, n);
    if (C.tcp && ok) tx_flush(s);
    return ok;
}

/* ---------- STUN / ICE ---------- */
static size_t stun_attr(uint8_t *b, size_t o, unsigned type, const void *v, size_t n) {
    wr16(b + o, type);
    wr16(b + o + 2, (unsigned)n);
    memset(b + o + 4, 0, (n + 3) & ~3u);
    if (n) memcpy(b + o + 4, v, n);
    return o + 4 + ((n + 3) & ~3u);
}
static size_t stun_seal(uint8_t *b, size_t o, const char *key) {
    uint8_t mac[20], crc[4];
    unsigned ml = 20;
    wr16(b + 2, (unsigned)(o - 20 + 24));
    HMAC(EVP_sha1(), key, (int)strlen(key), b, o, mac, &ml);
    o = stun_attr(b, o, 0x0008, mac, 20);
    wr16(b + 2, (unsigned)(o - 20 + 8));
    wr32(crc, crc32_(b, o) ^ 0x5354554eu);
    return stun_attr(b, o, 0x8028, crc, 4);
}
static void stun_request(struct sess *s, int64_t now) {
    uint8_t b[1024], prio[4];
    char user[600];
    rnd(s->tid, 12);
    wr16(b, 0x0001);
    wr32(b + 4, 0x2112a442u);
    memcpy(b + 8, s->tid, 12);
    snprintf(user, sizeof user, "%s:%s", s->r_ufrag, s->ufrag);
    size_t o = stun_attr(b, 20, 0x0006, user, strlen(user));
    wr32(prio, C.tcp ? 1518018303u : 1853824767u);      /* peer-reflexive priority */
    o = stun_attr(b, o, 0x0024, prio, 4);
    o = stun_attr(b, o, 0x802a, s->tie, 8);
    o = stun_attr(b, o, 0x0025, NULL, 0);
    o = stun_seal(b, o, s->r_pwd);
    tx_now(s, b, o);
    if (s->st < S_ICE || s->st > S_RUN) return;
    if (s->st == S_ICE) {
        s->next_stun = now + s->stun_rto;
        s->stun_rto = s->stun_rto * 2 > 1600 * MS ? 1600 * MS : s->stun_rto * 2;
    } else
        s->next_stun = now + 2 * SEC + (int64_t)(rnd32() % 1000) * MS;
}
static void dtls_start(struct sess *s);
static void on_stun(struct sess *s, uint8_t *p, int n, int64_t now) {
    if (n < 20 || rd32(p + 4) != 0x2112a442u || rd16(p + 2) + 20 != n) return;
    unsigned type = rd16(p);
    const char *key = type == 0x0001 ? s->pwd : s->r_pwd;
    bool mi = false;
    int code = 0;
    for (int o = 20; o + 4 <= n;) {
        unsigned at = rd16(p + o), al = rd16(p + o + 2);
        if (o + 4 + (int)al > n) return;
        if (at == 0x0008 && al == 20 && !mi) {
            uint8_t mac[20], save[2] = {p[2], p[3]};
            unsigned ml = 20;
            wr16(p + 2, (unsigned)(o - 20 + 24));
            HMAC(EVP_sha1(), key, (int)strlen(key), p, (size_t)o, mac, &ml);
            memcpy(p + 2, save, 2);
            mi = !memcmp(mac, p + o + 4, 20);
        } else if (at == 0x0009 && al >= 4) code = (p[o + 6] & 7) * 100 + p[o + 7];
        o += 4 + (int)((al + 3) & ~3u);
    }
    if (type == 0x0001) {                               /* the server checks us: answer it */
        stun_rx_req++;
        if (!mi) return;
        uint8_t b[256], x[8] = {0, 1};
        wr16(b, 0x0101);
        memcpy(b + 4, p + 4, 16);
        wr16(x + 2, ntohs(s->cand.sin_port) ^ 0x2112);
        wr32(x + 4, ntohl(s->cand.sin_addr.s_addr) ^ 0x2112a442u);
        tx_now(s, b, stun_seal(b, stun_attr(b, 20, 0x0020, x, 8), s->pwd));
    } else if (type == 0x0101 && !memcmp(p + 8, s->tid, 12)) {
        if (!mi) { if (s->st == S_ICE) fail(s, "binding response without valid MESSAGE-INTEGRITY"); return; }
        s->stun_ok = now;
        if (s->st == S_ICE) {
            s->t_ice = now;
            s->st = S_DTLS;
            s->next_stun = now + 2 * SEC;
            dtls_start(s);
        }
    } else if (type == 0x0111) fail(s, "binding error %d", code);
}

/* ---------- DTLS-SRTP ---------- */
static int verify_cb(int ok, X509_STORE_CTX *c) { (void)ok; (void)c; return 1; }    /* fingerprint checked later */
static void dtls_init(void) {
    EVP_PKEY *k = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    ctx = SSL_CTX_new(DTLS_client_method());
    if (!k || !x || !ctx) die(EX_SETUP, "cannot make a key");
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), (long)(rnd32() >> 1));
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), 30 * 86400);
    X509_set_pubkey(x, k);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)"rtcload", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    uint8_t md[32];
    unsigned n = 0;
    if (!X509_sign(x, k, EVP_sha256()) || !X509_digest(x, EVP_sha256(), md, &n)) die(EX_SETUP, "cannot sign");
    for (unsigned i = 0; i < n; i++) sprintf(my_fp + 3 * i, "%02X%s", md[i], i + 1 < n ? ":" : "");
    SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:@SECLEVEL=0");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, verify_cb);
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    if (SSL_CTX_use_certificate(ctx, x) != 1 || SSL_CTX_use_PrivateKey(ctx, k) != 1 ||
        SSL_CTX_set_tlsext_use_srtp(ctx, C.gcm ? "SRTP_AEAD_AES_128_GCM" : "SRTP_AES128_CM_SHA1_80"))
        die(EX_SETUP, "TLS context: %s", ERR_error_string(ERR_get_error(), NULL));
    X509_free(x);
    EVP_PKEY_free(k);
    if (srtp_init() != srtp_err_status_ok) die(EX_SETUP, "srtp_init failed");
}
static void dtls_out(struct sess *s) {    /* whole DTLS records, packed into datagrams */
    static uint8_t b[65536];
    int n = BIO_read(s->wb, b, sizeof b), from = 0, o = 0;
    while (n > 0 && o + 13 <= n) {
        int rl = 13 + rd16(b + o + 11);
        if (o > from && o + rl - from > DTLS_MTU) { tx_now(s, b + from, (size_t)(o - from)); from = o; }
        o += rl;
    }
    if (n > 0 && s->st < S_DEAD) tx_now(s, b + from, (size_t)(n - from));
}
static srtp_t srtp_make(const uint8_t *key, const uint8_t *salt, bool inbound) {
    uint8_t ks[32];
    srtp_policy_t p;
    srtp_t h = NULL;
    memset(&p, 0, sizeof p);
    memcpy(ks, key, 16);
    memcpy(ks + 16, salt, C.gcm ? 12 : 14);
    if (C.gcm) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&p.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&p.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p.rtcp);
    }
    p.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
    p.key = ks;
    p.window_size = 1024;
    return srtp_create(&h, &p) == srtp_err_status_ok ? h : NULL;
}
static void pub_begin(struct sess *s, int64_t now);
static void dtls_done(struct sess *s) {
    uint8_t km[60], md[64];
    unsigned n = 0;
    int sl = C.gcm ? 12 : 14;
    char alg[16], *w = alg;
    for (const char *r = s->r_alg; *r && w < alg + 15; r++) if (*r != '-') *w++ = *r;
    *w = 0;
    const EVP_MD *m = EVP_get_digestbyname(alg);
    X509 *x = SSL_get1_peer_certificate(s->ssl);
    bool ok = x && m && X509_digest(x, m, md, &n) && (int)n == s->r_fplen && !memcmp(md, s->r_fp, n);
    X509_free(x);
    if (!ok) { fail(s, "server certificate does not match the SDP fingerprint (%s)", s->r_alg); return; }
    SRTP_PROTECTION_PROFILE *sp = SSL_get_selected_srtp_profile(s->ssl);
    if (!sp) { fail(s, "server chose no SRTP profile"); return; }
    if (SSL_export_keying_material(s->ssl, km, (size_t)(32 + 2 * sl), "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) != 1) {
        fail(s, "key export failed");
        return;
    }
    s->out = srtp_make(km, km + 32, false);
    if (s->pub || s->verify || s->slow) s->in = srtp_make(km + 16, km + 32 + sl, true);
    if (!s->out || ((s->pub || s->verify || s->slow) && !s->in)) { fail(s, "libsrtp refused the keys"); return; }
    int64_t now = mono();
    s->t_done = s->stun_ok = now;
    s->st = S_RUN;
    s->was_run = true;
    s->next_rtcp = now + (int64_t)(rnd32() % 1000) * MS;
    if (s->pub) pub_begin(s, now);
    else { live_players++; t_ramp_last = now; }
}
static void dtls_step(struct sess *s) {
    ERR_clear_error();
    int r = SSL_do_handshake(s->ssl);
    int e = SSL_get_error(s->ssl, r);
    unsigned long le = ERR_peek_error();
    dtls_out(s);
    if (s->st != S_DTLS) return;
    if (r == 1) dtls_done(s);
    else if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
        fail(s, "handshake: %s", le ? ERR_reason_error_string(le) : "closed");
}
static void dtls_start(struct sess *s) {
    s->ssl = SSL_new(ctx);
    s->rb = BIO_new(BIO_s_mem());
    s->wb = BIO_new(BIO_s_mem());
    if (!s->ssl || !s->rb || !s->wb) die(EX_SETUP, "out of memory in TLS");
    BIO_set_mem_eof_return(s->rb, -1);
    BIO_set_mem_eof_return(s->wb, -1);
    SSL_set_bio(s->ssl, s->rb, s->wb);
    SSL_set_mtu(s->ssl, DTLS_MTU);
    SSL_set_connect_state(s->ssl);
    dtls_step(s);
}
static void on_dtls(struct sess *s, const uint8_t *p, int n) {
    if (!s->ssl) return;
    BIO_write(s->rb, p, n);
    if (s->st == S_DTLS) { dtls_step(s); return; }
    uint8_t b[256];
    ERR_clear_error();
    int r = SSL_read(s->ssl, b, sizeof b), e = SSL_get_error(s->ssl, r);
    dtls_out(s);
    if (r <= 0 && e == SSL_ERROR_ZERO_RETURN) fail(s, "server closed DTLS");
}

/* ---------- SDP and HTTP ---------- */
static int make_offer(struct sess *s, char *o, size_t cap) {
    size_t n = 0;
    struct pub *p = s->pub ? &P[s->pubno] : NULL;
#define PUT(...) (n += (size_t)snprintf(o + n, n < cap ? cap - n : 0, __VA_ARGS__))
    PUT("v=0\r\no=- %u%u 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=msid-semantic: WMS rtcload\r\n",
        1 + rnd32() % 9, rnd32());
    for (int v = 0; v < 2; v++) {
        int pt = v ? 106 : 111;
        PUT("m=%s 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n", v ? "video" : "audio", pt);
        char ip[32];
        inet_ntop(AF_INET, &s->local.sin_addr, ip, sizeof ip);
        if (C.tcp) PUT("a=candidate:1 1 tcp 1518280447 %s 9 typ host tcptype active\r\n", ip);
        else PUT("a=candidate:1 1 udp 2130706431 %s %d typ host\r\n", ip, ntohs(s->local.sin_port));
        PUT("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:actpass\r\na=mid:%d\r\na=%s\r\n",
            s->ufrag, s->pwd, my_fp, v, p ? "sendonly" : "recvonly");
        if (p) PUT("a=msid:rtcload %s\r\n", v ? "video0" : "audio0");
        PUT("a=rtcp-mux\r\n");
        if (!v) PUT("a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n");
        else {
            PUT("a=rtcp-rsize\r\na=rtpmap:106 %s/90000\r\na=rtcp-fb:106 nack\r\na=rtcp-fb:106 nack pli\r\n",
                C.use_vp8 ? "VP8" : "H264");
            if (!C.use_vp8)
                PUT("a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n");
        }
        if (p) {
            uint32_t ss = v ? p->vssrc : p->assrc;
            PUT("a=ssrc:%u cname:rtcload%d\r\na=ssrc:%u msid:rtcload %s\r\n", ss, s->pubno, ss, v ? "video0" : "audio0");
        }
    }
#undef PUT
    return n < cap ? (int)n : -1;
}
static bool parse_answer(struct sess *s, char *sdp) {
    int kind = -1, ncand = 0;       /* kind: -1 session level, 0 audio, 1 video */
    bool tcp_seen = false, udp_seen = false, active = false;
    s->apt = s->vpt = -1;
    for (char *l = strtok(sdp, "\r\n"); l; l = strtok(NULL, "\r\n")) {
        char a[64], b[64], c[64], d[64];
        unsigned u, port;
        if (!strncmp(l, "m=", 2)) {
            kind = !strncmp(l, "m=video", 7);
            if (sscanf(l, "m=%*s %u %*s %u", &port, &u) == 2) *(kind ? &s->vpt : &s->apt) = port ? (int)u : -2;
        } else if (!strncmp(l, "a=ice-ufrag:", 12)) snprintf(s->r_ufrag, sizeof s->r_ufrag, "%s", l + 12);
        else if (!strncmp(l, "a=ice-pwd:", 10)) snprintf(s->r_pwd, sizeof s->r_pwd, "%s", l + 10);
        else if (!strncmp(l, "a=setup:active", 14)) active = true;
        else if (!strncmp(l, "a=fingerprint:", 14) && sscanf(l + 14, "%15s", s->r_alg) == 1) {
            char *h = strchr(l, ' ');
            for (s->r_fplen = 0; h && s->r_fplen < 64 && sscanf(h + 1, "%2x", &u) == 1; h = strchr(h + 1, ':'))
                s->r_fp[s->r_fplen++] = (uint8_t)u;
        } else if (sscanf(l, "a=rtpmap:%u %63[^/]", &u, a) == 2) {
            if (!kind && !strcasecmp(a, "opus")) s->apt = (int)u;
            if (kind == 1 && !strcasecmp(a, C.use_vp8 ? "VP8" : "H264")) s->vpt = (int)u;
        } else if (sscanf(l, "a=candidate:%63s %*d %63s %*u %63s %u typ %63s", a, b, c, &port, d) == 5) {
            bool t = !strcasecmp(b, "tcp");
            struct in_addr ip;
            if (inet_pton(AF_INET, c, &ip) != 1 || (t && strstr(l, "tcptype active"))) continue;
            if (t) tcp_seen = true; else udp_seen = true;
            if (t == C.tcp && !ncand++) {
                s->cand.sin_family = AF_INET;
                s->cand.sin_addr = ip;
                s->cand.sin_port = htons((uint16_t)port);
            }
        }
    }
    if (C.candidate) {
        char ip[64];
        unsigned port;
        if (sscanf(C.candidate, "%63[^:]:%u", ip, &port) == 2 && inet_pton(AF_INET, ip, &s->cand.sin_addr) == 1) {
            s->cand.sin_family = AF_INET;
            s->cand.sin_port = htons((uint16_t)port);
            ncand = 1;
        }
    }
    if (!s->r_ufrag[0] || !s->r_pwd[0]) fail(s, "answer has no ice-ufrag/ice-pwd");
    else if (!s->r_fplen) fail(s, "answer has no fingerprint");
    else if (active) fail(s, "answer wants setup:active; only the DTLS client role is supported");
    else if (s->vpt < 0) fail(s, "answer rejects video");
    else if (!ncand) fail(s, "answer has no %s IPv4 candidate (%s)", C.tcp ? "tcp" : "udp",
                          tcp_seen ? "only tcp" : udp_seen ? "only udp" : "none at all");
    return s->st < S_DEAD;
}
static void url_parse(const char *url, struct sockaddr_in *a, char *host, size_t hn, const char **path) {
    char h[256], port[8] = "80";
    if (strncmp(url, "http://", 7)) die(EX_USAGE_, "only http:// URLs: %s", url);
    size_t n = strcspn(url + 7, "/?");
    snprintf(h, sizeof h, "%.*s", (int)n, url + 7);
    if (host) snprintf(host, hn, "%s", h);
    if (path) *path = url[7 + n] == '/' ? url + 7 + n : "/";
    char *c = strrchr(h, ':');
    if (c) { snprintf(port, sizeof port, "%s", c + 1); *c = 0; }
    struct addrinfo hint = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *r;
    if (a) {
        int e = getaddrinfo(h, port, &hint, &r);
        if (e) die(EX_SETUP, "%s: %s", h, gai_strerror(e));
        memcpy(a, r->ai_addr, sizeof *a);
        freeaddrinfo(r);
    }
}
static void url_subst(char *o, size_t cap, const char *url, int i) {    /* "{}" becomes the stream number */
    const char *b = strstr(url, "{}");
    if (b) snprintf(o, cap, "%.*s%d%s", (int)(b - url), url, i, b + 2);
    else snprintf(o, cap, "%s", url);
}
static void sess_start(struct sess *s) {
    s->st = S_HCONN;
    s->t_start = mono();
    s->stun_rto = 100 * MS;
    s->ssrc = rnd32();
    rnd_text(s->ufrag, 8);
    rnd_text(s->pwd, 24);
    rnd(s->tie, 8);
    s->hfd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->hfd < 0) { fail(s, "socket: %s", strerror(errno)); return; }
    setsockopt(s->hfd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(s->hfd, (struct sockaddr *)(s->pub ? &pub_addr : &play_addr), sizeof pub_addr) && errno != EINPROGRESS) {
        fail(s, "%s", strerror(errno));
        return;
    }
    ep_set(s, s->hfd, true, EPOLL_CTL_ADD, EPOLLOUT);
}
static void rcvbuf(int fd, int n) {
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof n)) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof n);
}
static void http_send(struct sess *s) {
    int err = 0;
    socklen_t l = sizeof err;
    getsockopt(s->hfd, SOL_SOCKET, SO_ERROR, &err, &l);
    if (err) { fail(s, "%s", strerror(err)); return; }
    l = sizeof s->local;
    getsockname(s->hfd, (struct sockaddr *)&s->local, &l);
    if (!C.tcp) {
        s->mfd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        s->local.sin_port = 0;
        if (s->mfd < 0 || bind(s->mfd, (struct sockaddr *)&s->local, l)) { fail(s, "udp: %s", strerror(errno)); return; }
        getsockname(s->mfd, (struct sockaddr *)&s->local, &l);
        rcvbuf(s->mfd, C.rcvbuf);
    }
    char sdp[6000], req[8000], url[2048], host[256];
    const char *path;
    url_subst(url, sizeof url, s->pub ? C.publish : C.play, s->pubno);
    url_parse(url, NULL, host, sizeof host, &path);
    int sl = make_offer(s, sdp, sizeof sdp);
    int n = snprintf(req, sizeof req, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: rtcload\r\nAccept: application/sdp\r\n"
                     "Content-Type: application/sdp\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", path, host, sl, sdp);
    if (sl < 0 || n >= (int)sizeof req) { fail(s, "offer too long"); return; }
    if (C.verbose && s->idx < 2) fprintf(stderr, ">>> offer #%d\n%s", s->idx, sdp);
    if (send(s->hfd, req, (size_t)n, MSG_NOSIGNAL) != n) { fail(s, "short write"); return; }   /* fresh socket: it fits */
    s->st = S_HTTP;
    ep_set(s, s->hfd, true, EPOLL_CTL_MOD, EPOLLIN);
}
static void media_connect(struct sess *s) {
    s->t_http = mono();
    if (C.tcp) {
        s->mfd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (s->mfd < 0) { fail(s, "socket: %s", strerror(errno)); return; }
        setsockopt(s->mfd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        if (s->slow) rcvbuf(s->mfd, C.slow_rcvbuf);
    }
    if (connect(s->mfd, (struct sockaddr *)&s->cand, sizeof s->cand) && errno != EINPROGRESS) {
        fail(s, "%s", strerror(errno));
        return;
    }
    s->st = C.tcp ? S_MCONN : S_ICE;
    ep_set(s, s->mfd, false, EPOLL_CTL_ADD, C.tcp ? EPOLLOUT : EPOLLIN);
    if (!C.tcp && s->st == S_ICE) stun_request(s, s->t_http);
}
static void http_read(struct sess *s) {
    bool eof = false;
    for (;;) {
        if (s->hl + 4096 > s->hcap) s->hb = xrealloc(s->hb, s->hcap = s->hl + 8192);
        ssize_t n = recv(s->hfd, s->hb + s->hl, s->hcap - s->hl - 1, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (n <= 0) { eof = true; break; }
        s->hl += (size_t)n;
        if (s->hl > 1 << 20) { fail(s, "answer too long"); return; }
    }
    s->hb[s->hl] = 0;
    char *body = strstr(s->hb, "\r\n\r\n"), *end = s->hb + s->hl, *h;
    int code = 0;
    if (!body && eof) fail(s, "connection closed before an answer");
    if (!body) return;
    body += 4;
    if ((h = strcasestr(s->hb, "\r\nContent-Length:")) && h < body) {
        size_t want = strtoul(h + 17, NULL, 10);
        if (want > (size_t)(end - body) && !eof) return;
        if (want < (size_t)(end - body)) body[want] = 0;
    } else if ((h = strcasestr(s->hb, "\r\nTransfer-Encoding: chunked")) && h < body) {
        for (int pass = 0; pass < 2; pass++) {          /* first see whether all is there, then join the chunks */
            char *w = body, *r = body, *e;
            unsigned long k = 1;
            for (; k && (e = strstr(r, "\r\n")); r = e + 4 + k) {
                k = strtoul(r, NULL, 16);
                if (k && k + 4 > (size_t)(end - e)) { k = 1; break; }
                if (pass) memmove(w, e + 2, k);
                w += k;
            }
            if (k && eof) fail(s, "chunked answer cut short");
            if (k) return;
            if (pass) *w = 0;
        }
    } else if (!eof) return;
    if (sscanf(s->hb, "HTTP/%*s %d", &code) != 1 || (code != 200 && code != 201)) {
        fail(s, "HTTP %d %.60s", code, body);
        return;
    }
    if ((h = strcasestr(s->hb, "\r\nLocation:")) && h < body) sscanf(h + 11, " %1023s", s->location);
    if (C.verbose && s->idx < 2) fprintf(stderr, "<<< answer #%d\n%s\n", s->idx, s->hb);
    if (!parse_answer(s, body)) return;
    close(s->hfd);
    s->hfd = -1;
    free(s->hb);
    s->hb = NULL;
    s->hl = s->hcap = 0;
    media_connect(s);
}
static void http_delete(struct sess *s) {    /* short blocking request at the end */
    char host[256], url[2048], req[3000];
    const char *path = s->location;
    url_subst(url, sizeof url, s->pub ? C.publish : C.play, s->pubno);
    url_parse(url, NULL, host, sizeof host, NULL);
    if (!strncmp(path, "http://", 7)) { path += 7; path += strcspn(path, "/"); }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval tv = {0, 300000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    int n = snprintf(req, sizeof req, "DELETE %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
    if (!connect(fd, (struct sockaddr *)(s->pub ? &pub_addr : &play_addr), sizeof pub_addr) &&
        send(fd, req, (size_t)n, MSG_NOSIGNAL) == n && recv(fd, req, sizeof req, 0) < 0)
        note_err("DELETE got no answer");
    close(fd);
}

/* ---------- publisher ---------- */
static struct sent { uint64_t h; int64_t t, tau; uint64_t frame; bool key; } ht[1 << 16];     /* recently published payloads */

static struct sent *ht_find(uint64_t h) {
    for (int i = 0; i < 4; i++) if (ht[(h + (unsigned)i) & 0xffff].h == h) return &ht[(h + (unsigned)i) & 0xffff];
    return NULL;
}
static int64_t cur_tau;
static uint64_t cur_frame;      /* number of the picture being sent, from 1; 0 for audio */
static bool cur_key;            /* it is an IDR picture */
static void ht_put(uint64_t h, int64_t t, int64_t tau) {
    struct sent *b = ht_find(h);
    for (unsigned i = 0; i < 4 && (!b || b->h != h); i++)
        if (!b || ht[(h + i) & 0xffff].t < b->t) b = &ht[(h + i) & 0xffff];
    *b = (struct sent){h, t, tau, cur_frame, cur_key};
}
static void rtp_send(struct pub *p, bool video, const uint8_t *pl, size_t n, bool marker) {
    static union { uint32_t align; uint8_t b[MAX_PAYLOAD + 80]; } u;
    struct sess *s = p->s;
    int len = 12 + (int)n;
    uint16_t seq = video ? p->vseq++ : p->aseq++;
    u.b[0] = 0x80;
    u.b[1] = (uint8_t)((video ? s->vpt : s->apt) | (marker ? 128 : 0));
    wr16(u.b + 2, seq);
    wr32(u.b + 4, video ? p->vts : p->ats);
    wr32(u.b + 8, video ? p->vssrc : p->assrc);
    memcpy(u.b + 12, pl, n);
    if (!C.play || C.players) ht_put(hash64(pl, n), mono(), cur_tau);
    if (srtp_protect(s->out, u.b, &len) != srtp_err_status_ok) { note_err("srtp_protect failed"); return; }
    if (video) {
        p->vcount++;
        p->voct += (uint32_t)n;
        p->ring[seq % RTX_RING].seq = seq;
        p->ring[seq % RTX_RING].len = (uint16_t)len;
        memcpy(p->ring[seq % RTX_RING].d, u.b, (size_t)len);
    } else {
        p->acount++;
        p->aoct += (uint32_t)n;
    }
    if (!tx_queue(s, u.b, (size_t)len)) { p->txdrop++; return; }
    p->sent++;
    p->bytes += (uint64_t)len;
}
static size_t make_sei(uint8_t *o, int64_t t) {    /* user data: 16-byte id, then 16 hex digits of CLOCK_MONOTONIC ns */
    memcpy(o, "\x06\x05\x20rtcload-sei-time", 19);
    snprintf((char *)o + 19, 17, "%016llx", (unsigned long long)t);
    o[35] = 0x80;
    return 36;
}
static void send_h264(struct pub *p, const struct au *a) {
    uint8_t buf[MAX_PAYLOAD + 8], sei[64];
    size_t agg = 0, aggn = 0, sl = 0;
    uint32_t total = a->count + (C.sei ? 1 : 0), done = 0, k = 0;
    bool sei_out = !C.sei;
    while (done < total) {
        const uint8_t *d = vfile + (k < a->count ? nals[a->first + k].off : 0);
        size_t n = k < a->count ? nals[a->first + k].len : 0;
        if (!sei_out && (!n || (d[0] & 31) == 1 || (d[0] & 31) == 5)) {     /* SEI goes right before the slices */
            sl = make_sei(sei, cur_tau);
            d = sei;
            n = sl;
            sei_out = true;
        } else k++;
        bool last = ++done == total;
        if (aggn && agg + 2 + n > MAX_PAYLOAD) {        /* flush what is gathered: one NAL alone, or a STAP-A */
            if (aggn == 1) rtp_send(p, true, buf + 3, agg - 3, false);
            else rtp_send(p, true, buf, agg, false);
            aggn = 0;
        }
        if (n + 3 <= MAX_PAYLOAD) {
            if (!aggn++) { agg = 1; buf[0] = 24; }
            buf[0] = (uint8_t)(((buf[0] & 0x60) > (d[0] & 0x60) ? buf[0] & 0x60 : d[0] & 0x60) | 24);
            wr16(buf + agg, (unsigned)n);
            memcpy(buf + agg + 2, d, n);
            agg += 2 + n;
            if (last && aggn == 1) rtp_send(p, true, buf + 3, agg - 3, true);
            else if (last) rtp_send(p, true, buf, agg, true);
            continue;
        }
        for (size_t o = 1; o < n;) {                    /* FU-A */
            size_t c = n - o < MAX_PAYLOAD - 2 ? n - o : MAX_PAYLOAD - 2;
            uint8_t fu[MAX_PAYLOAD];
            fu[0] = (uint8_t)((d[0] & 0xe0) | 28);
            fu[1] = (uint8_t)((d[0] & 31) | (o == 1 ? 0x80 : 0) | (o + c == n ? 0x40 : 0));
            memcpy(fu + 2, d + o, c);
            o += c;
            rtp_send(p, true, fu, c + 2, last && o == n);
        }
    }
}
static void send_vp8(struct pub *p, const struct span *f) {
    uint8_t b[MAX_PAYLOAD];
    for (uint32_t o = 0; o < f->len;) {
        uint32_t c = f->len - o < MAX_PAYLOAD - 1 ? f->len - o : MAX_PAYLOAD - 1;
        b[0] = o ? 0 : 0x10;
        memcpy(b + 1, vfile + f->off + o, c);
        o += c;
        rtp_send(p, true, b, c + 1, o == f->len);
    }
}
static void rtcp_send(struct sess *s, uint8_t *b, int n) {
    if (s->out && srtp_protect_rtcp(s->out, b, &n) == srtp_err_status_ok) tx_now(s, b, (size_t)n);
}
static void send_sr(struct pub *p, int64_t now) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    for (int v = 0; v < 2; v++) {
        if (!v && !napk) continue;
        union { uint32_t align; uint8_t b[128]; } u = {.b = {0x80, 200, 0, 6}};
        wr32(u.b + 4, v ? p->vssrc : p->assrc);
        wr32(u.b + 8, (uint32_t)(ts.tv_sec + 2208988800LL));
        wr32(u.b + 12, (uint32_t)((double)ts.tv_nsec * 4.294967296));
        wr32(u.b + 16, v ? p->vts + (uint32_t)((now - p->vlast) * 9 / 100000)
                         : p->ats + (uint32_t)((now - p->alast) * 6 / 125000));
        wr32(u.b + 20, v ? p->vcount : p->acount);
        wr32(u.b + 24, v ? p->voct : p->aoct);
        memcpy(u.b + 28, "\x81\xca\0\x04", 4);          /* SDES, CNAME "rtcload" */
        memcpy(u.b + 32, u.b + 4, 4);
        memcpy(u.b + 36, "\x01\x07rtcload\0\0\0", 12);
        rtcp_send(p->s, u.b, 48);
    }
}
static void pub_begin(struct sess *s, int64_t now) {
    struct pub *p = &P[s->pubno];
    p->v0 = p->vnext = now + (int64_t)(s->pubno * (1e9 / C.fps) / (npub ? npub : 1));
    p->a0 = p->anext = p->v0 + 7 * MS;
    if (s->apt < 0) p->anext = INT64_MAX;
    if (!napk) p->anext = INT64_MAX;
}
static bool is_key(uint64_t au) {
    const struct au *a = &aus[au];
    if (C.use_vp8) return !(vfile[nals[a->first].off] & 1);
    for (uint32_t i = 0; i < a->count; i++) if ((vfile[nals[a->first + i].off] & 31) == 5) return true;
    return false;
}
static int64_t pubs_run(int64_t now) {    /* send what is due; returns when to come back */
    int64_t next = INT64_MAX;
    if (phase == PH_PRE || phase >= PH_DRAIN) return next;
    for (int i = 0; i < npub; i++) {
        struct pub *p = &P[i];
        if (!p->s || p->s->st != S_RUN) continue;
        while (p->s->st == S_RUN && p->vnext <= now) {
            if (phase == PH_WIN && now - p->vnext > t_late_max) t_late_max = now - p->vnext;
            p->vts = p->vts0 + (uint32_t)(uint64_t)((double)p->frame * 90000.0 / C.fps);
            p->vlast = cur_tau = mono();
            cur_frame = p->frame + 1;
            cur_key = is_key(p->frame % naus);
            if (C.use_vp8) send_vp8(p, &nals[p->frame % naus]);
            else send_h264(p, &aus[p->frame % naus]);
            if (C.tcp && p->s->st == S_RUN) tx_flush(p->s);
            p->frame++;
            p->vnext = p->v0 + (int64_t)((double)p->frame * 1e9 / C.fps);
            if (now - p->vnext > SEC) { p->v0 += now - p->vnext; p->vnext = now; note_err("generator fell 1 s behind"); }
        }
        while (p->s->st == S_RUN && p->anext <= now) {
            p->ats = p->ats0 + (uint32_t)p->aframe * 960;
            p->alast = cur_tau = mono();
            cur_frame = 0;
            cur_key = false;
            rtp_send(p, false, afile + apk[p->aframe % napk].off, apk[p->aframe % napk].len, p->aframe == 0);
            if (C.tcp && p->s->st == S_RUN) tx_flush(p->s);
            p->aframe++;
            p->anext = p->a0 + (int64_t)p->aframe * 20 * MS;
            if (now - p->anext > SEC) { p->a0 += now - p->anext; p->anext = now; }
        }
        if (p->vnext < next) next = p->vnext;
        if (p->anext < next) next = p->anext;
    }
    return next;
}

/* ---------- receiving ---------- */
static void seq_seen(struct sess *s, struct track *t, uint16_t seq) {
    int d = (int16_t)(seq - (uint16_t)t->max);
    if (d > 0) {
        for (int i = 1; i < d && i <= 1024; i++) t->bm[(t->max + (unsigned)i) >> 6 & 15] &= ~(1ull << ((t->max + (unsigned)i) & 63));
        s->c.lost += (unsigned)d - 1;
        tot_lost += (unsigned)d - 1;
        t->max += (unsigned)d;
        t->bm[t->max >> 6 & 15] |= 1ull << (t->max & 63);
    } else if (d > -1024) {
        uint32_t x = t->max - (unsigned)-d;
        if (t->bm[x >> 6 & 15] & 1ull << (x & 63)) { s->c.dup++; return; }
        t->bm[x >> 6 & 15] |= 1ull << (x & 63);
        s->c.late++;
        if (s->c.lost) { s->c.lost--; tot_lost--; }
    }
}
static void gap_seen(struct sess *s, const struct sent *x, bool marker) {    /* pictures left out: where, and what comes next */
    if (s->frame && x->frame > s->frame + 1) {
        s->gaps++;
        s->gaps_inter += !x->key;
        s->gaps_cut += s->frame_open;
    }
    s->frame = x->frame;
    s->frame_open = !marker;
}
static void verify_rtp(struct sess *s, const uint8_t *pkt, int n, bool video, int64_t now) {
    static union { uint32_t align; uint8_t b[65536]; } u;
    int len = n;
    memcpy(u.b, pkt, (size_t)n);
    srtp_err_status_t e = srtp_unprotect(s->in, u.b, &len);
    if (e == srtp_err_status_replay_fail || e == srtp_err_status_replay_old) return;
    if (e != srtp_err_status_ok) { if (!verify_fail++) fprintf(stderr, "rtcload: #%d srtp_unprotect error %d\n", s->idx, e); return; }
    verify_ok++;
    uint8_t *p = u.b;
    int h = 12 + 4 * (p[0] & 15);
    if (p[0] & 0x10 && h + 4 <= len) h += 4 + 4 * rd16(p + h + 2);
    if (p[0] & 0x20 && len > h) len -= p[len - 1];
    if (h >= len) return;
    bool marker = p[1] & 128, win = phase == PH_WIN || phase == PH_DRAIN;
    int64_t sei = 0;
    int k = !video ? 0 : C.use_vp8 ? vp8_scan(p + h, len - h) : nal_scan(p + h, len - h, &sei);
    struct sent *x = npub ? ht_find(hash64(p + h, (size_t)(len - h))) : NULL;
    if (s->slow) {
        if (video && x) gap_seen(s, x, marker);
        return;
    }
    if (x) pay_match++;
    else if (npub) pay_miss++;
    int64_t sent = x ? x->t : sei;
    if (video && win && sent) {
        hist_add(&H_lat, now - sent);
        hist_add(slow_now ? &H_slow : &H_calm, now - sent);
        if (x && marker) hist_add(&H_frame, now - x->tau);
    }
    if (!video || s->t_key) return;
    uint32_t ts = rd32(p + 4);
    uint16_t seq = rd16(p + 2);
    if ((k & 1) && !(s->key_idr && s->key_ts == ts)) { s->key_idr = true; s->key_bad = false; s->key_ts = ts; }
    else if (s->key_idr && (s->key_ts != ts || (uint16_t)(seq - s->key_seq) != 1)) s->key_idr = s->key_bad = false;
    s->key_seq = seq;
    if (s->key_idr && marker) s->t_key = now;
}
static void on_rtcp(struct sess *s, const uint8_t *pkt, int n) {
    static union { uint32_t align; uint8_t b[65536]; } u;
    s->rtcp_rx++;
    if (!s->in) return;
    memcpy(u.b, pkt, (size_t)n);
    srtp_err_status_t e = srtp_unprotect_rtcp(s->in, u.b, &n);
    if (e != srtp_err_status_ok) { if (e != srtp_err_status_replay_fail) rtcp_bad++; return; }
    if (!s->pub) return;
    struct pub *p = &P[s->pubno];
    for (int o = 0, l; o + 4 <= n; o += l) {
        uint8_t *b = u.b + o;
        l = 4 * (rd16(b + 2) + 1);
        if (o + l > n) break;
        int fmt = b[0] & 31;
        if (b[1] == 206 && (fmt == 1 || fmt == 4)) p->pli++;
        if (b[1] != 205 || fmt != 1 || l < 12 || rd32(b + 8) != p->vssrc) continue;
        for (int i = 12; i + 4 <= l; i += 4) {
            uint32_t mask = 1 | (uint32_t)rd16(b + i + 2) << 1;
            for (int j = 0; j < 17; j++) {
                uint16_t q = (uint16_t)(rd16(b + i) + j);
                if (!(mask >> j & 1)) continue;
                p->nack++;
                if (p->ring[q % RTX_RING].len && p->ring[q % RTX_RING].seq == q) {
                    tx_now(s, p->ring[q % RTX_RING].d, p->ring[q % RTX_RING].len);
                    p->rtx++;
                }
            }
        }
    }
}
static void on_packet(struct sess *s, uint8_t *p, int n, int64_t now) {
    if (n < 1 || s->st >= S_DEAD) return;
    if (p[0] < 4) { on_stun(s, p, n, now); return; }
    if (p[0] >= 20 && p[0] < 64) { on_dtls(s, p, n); return; }
    if (n < 12 || (p[0] & 0xc0) != 0x80 || s->st != S_RUN) return;
    if (p[1] >= 192 && p[1] <= 223) { on_rtcp(s, p, n); return; }
    s->c.rx++;
    s->c.bytes += (unsigned)n;
    tot_rx++;
    tot_bytes += (unsigned)n;
    t_last_rx = now;
    if (!s->t_rtp) s->t_rtp = now;
    uint32_t ssrc = rd32(p + 8);
    int i = 0, pt = p[1] & 127;
    while (i < s->ntrk && s->trk[i].ssrc != ssrc) i++;
    if (i == s->ntrk) {
        if (i == 4) return;
        s->trk[s->ntrk++] = (struct track){.ssrc = ssrc, .max = 65536u + rd16(p + 2) - 1, .video = pt == s->vpt};
        memset(s->trk[i].bm, 0xff, sizeof s->trk[i].bm);    /* nothing before the first packet counts as late */
    }
    uint64_t lost = s->c.lost;
    seq_seen(s, &s->trk[i], rd16(p + 2));
    if (s->verify || s->slow) verify_rtp(s, p, n, s->trk[i].video, now);
    if (C.nack && s->trk[i].video && s->c.lost > lost && s->c.lost - lost < 17) {
        union { uint32_t align; uint8_t b[64]; } u = {.b = {0x81, 205, 0, 3}};
        unsigned g = (unsigned)(s->c.lost - lost);
        wr32(u.b + 4, s->ssrc);
        wr32(u.b + 8, ssrc);
        wr16(u.b + 12, (uint16_t)(rd16(p + 2) - g));
        wr16(u.b + 14, (1u << (g - 1)) - 1);
        rtcp_send(s, u.b, 16);
    }
}
static void read_tcp(struct sess *s) {
    static uint8_t b[262144 + 66000];
    if (s->rxl) memcpy(b, s->rx, s->rxl);
    ssize_t n = recv(s->mfd, b + s->rxl, 262144, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) { fail(s, "%s", n ? strerror(errno) : "server closed the TCP connection"); return; }
    size_t have = s->rxl + (size_t)n, o = 0;
    int64_t now = mono();
    while (o + 2 <= have && s->st < S_DEAD) {
        size_t l = rd16(b + o);
        if (o + 2 + l > have) break;
        on_packet(s, b + o + 2, (int)l, now);
        o += 2 + l;
    }
    if (s->st >= S_DEAD) return;
    s->rxl = have - o;
    if (s->rxl > s->rxcap) s->rx = xrealloc(s->rx, s->rxcap = s->rxl + 2048);
    if (s->rxl) memcpy(s->rx, b + o, s->rxl);
}
static void read_udp(struct sess *s) {
    enum { V = 32, L = 2048 };
    static uint8_t b[V][L];
    static struct iovec io[V];
    static struct mmsghdr m[V];
    for (int i = 0; i < V && !io[i].iov_len; i++) {
        io[i] = (struct iovec){b[i], L};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &io[i], .msg_iovlen = 1};
    }
    for (int k = 0; k < 4 && s->mfd >= 0; k++) {
        int n = recvmmsg(s->mfd, m, V, MSG_DONTWAIT, NULL);
        if (n < 0) {
            if (errno == ECONNREFUSED) fail(s, "UDP port unreachable");
            return;
        }
        int64_t now = mono();
        for (int i = 0; i < n; i++) on_packet(s, b[i], (int)m[i].msg_len, now);
        if (n < V) return;
    }
}
static void send_rr(struct sess *s) {
    union { uint32_t align; uint8_t b[160]; } u = {.b = {0x80, 201}};
    int n = 8;
    wr32(u.b + 4, s->ssrc);
    for (int i = 0; i < s->ntrk && i < 2; i++, n += 24) {
        wr32(u.b + n, s->trk[i].ssrc);
        wr32(u.b + n + 8, s->trk[i].max - 65536u);
    }
    u.b[0] = (uint8_t)(0x80 | (s->ntrk < 2 ? s->ntrk : 2));
    wr16(u.b + 2, (unsigned)n / 4 - 1);
    rtcp_send(s, u.b, n);
}
static void sweep(int64_t now) {    /* retransmissions, consent, RTCP, time limits */
    for (int i = 0; i < nsess; i++) {
        struct sess *s = &S[i];
        if (s->st == S_IDLE || s->st >= S_DEAD) continue;
        if (s->st < S_RUN && now - s->t_start > (int64_t)(C.timeout * 1e9)) { fail(s, "timed out"); continue; }
        if (s->st >= S_ICE && now >= s->next_stun) stun_request(s, now);
        if (s->st == S_DTLS && DTLSv1_handle_timeout(s->ssl) != 0) dtls_out(s);
        if (s->st != S_RUN) continue;
        if (!s->slowed && now - s->stun_ok > 20 * SEC) { fail(s, "consent lost: no STUN answer for 20 s"); continue; }
        if (now >= s->next_rtcp) {
            s->next_rtcp = now + SEC;
            if (s->pub) send_sr(&P[s->pubno], now);
            else send_rr(s);
        }
    }
}

/* ---------- measuring ---------- */
static struct cpu cpu_ramp0, cpu_ramp1, cpu_t0, cpu_t1, cpu_end;
static void take_t0(void) {
    cpu_t0 = cpu_now();
    rss_start = rss_peak = rss_end;
    t0 = t_last_rx = mono();
    for (int i = 0; i < nsess; i++) S[i].c0 = S[i].c;
    for (int i = 0; i < npub; i++) { P[i].sent0 = P[i].sent; P[i].bytes0 = P[i].bytes; }
    verify_ok = verify_fail = pay_match = pay_miss = 0;
    phase = PH_WIN;
    t_phase = t0;
}
static int cmp_d(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static void json_times(const char *name, size_t from, size_t to) {    /* offsets of two int64 stamps in struct sess */
    double *v = xzalloc(sizeof *v * (size_t)(nsess + 1));
    int n = 0;
    for (int i = npub; i < nsess; i++) {
        int64_t a = *(int64_t *)((char *)&S[i] + from), b = *(int64_t *)((char *)&S[i] + to);
        if (a && b) v[n++] = (double)(b - a) / 1e6;
    }
    qsort(v, (size_t)n, sizeof *v, cmp_d);
    printf("\"%s\":{\"p50\":%.2f,\"p95\":%.2f,\"max\":%.2f,\"n\":%d},", name, n ? v[(n - 1) / 2] : 0,
           n ? v[(int)(0.95 * n + 0.999999) - 1] : 0, n ? v[n - 1] : 0, n);
    free(v);
}
static void json_hist(const char *name, const struct hist *h) {
    printf("\"%s\":{\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"n\":%llu},", name, hist_ms(h, .5), hist_ms(h, .95),
           hist_ms(h, .99), (double)h->max / 1e6, (unsigned long long)h->n);
}
static void json_str(const char *s) {
    putchar('"');
    for (; *s; s++) { if (*s == '"' || *s == '\\') putchar('\\'); putchar((unsigned char)*s < 32 ? ' ' : *s); }
    putchar('"');
}
static double report(void) {
    uint64_t rx = 0, by = 0, lost = 0, dup = 0, late = 0, expct = 0, sent = 0, sb = 0, pli = 0, nack = 0, rtx = 0, drop = 0;
    uint64_t srx = 0, sexp = 0, slost = 0, gaps = 0, inter = 0, cut = 0, resumed = 0;
    int verified = 0, nslow = 0, slow_dead = 0, no_rtp = 0;
    double worst = -1, w = t0 && t1 > t0 ? (double)(t1 - t0) / 1e9 : 0;
    for (int i = 0; i < npub; i++) {
        sent += P[i].sent - P[i].sent0; sb += P[i].bytes - P[i].bytes0;
        pli += P[i].pli; nack += P[i].nack; rtx += P[i].rtx; drop += P[i].txdrop;
    }
    for (int i = npub; i < nsess; i++) {
        struct sess *s = &S[i];
        if (!s->was_run) continue;
        uint64_t r = s->c.rx - s->c0.rx, l = s->c.lost - s->c0.lost, x;
        x = npub ? P[s->pubno].sent - P[s->pubno].sent0 : r + l;
        verified += s->verify;
        no_rtp += !s->t_rtp;
        if (s->slow) {
            gaps += s->gaps; inter += s->gaps_inter; cut += s->gaps_cut;
            resumed += P && npub && s->frame + 30 > P[s->pubno].frame;
        }
        if (s->slow) { nslow++; srx += r; sexp += x; slost += l; slow_dead += s->st == S_DEAD; }
        else if (x && (worst < 0 || (double)r / (double)x < worst)) worst = (double)r / (double)x;
        rx += r; expct += x; by += s->c.bytes - s->c0.bytes; lost += l;
        dup += s->c.dup - s->c0.dup; late += s->c.late - s->c0.late;
    }
    double ratio = expct ? (double)(rx - dup) / (double)expct : 0, cpu = cpu_end.total - cpu_t0.total, hs = 0;
    int conn = live_players + lost_players;
    if (t_ramp_last > t_ramp0) hs = (double)conn / ((double)(t_ramp_last - t_ramp0) / 1e9);
    if (!w) cpu = 0;
    printf("{\"tool\":\"rtcload\",\"tag\":");
    json_str(C.tag);
    printf(",\"transport\":\"%s\",\"srtp\":\"%s\",\"codec\":\"%s\",\"publishers\":%d,\"players\":%d,\"players_connected\":%d,"
           "\"players_failed\":%d,\"players_lost\":%d,\"players_without_rtp\":%d,\"interrupted\":%s,\"timed_out\":%s,",
           C.tcp ? "tcp" : "udp", C.gcm ? "gcm" : "aes_cm", C.use_vp8 ? "vp8" : "h264", npub, C.players, conn, failed_players,
           lost_players, no_rtp, interrupted ? "true" : "false", timed_out ? "true" : "false");
    json_times("handshake_ms", offsetof(struct sess, t_start), offsetof(struct sess, t_done));
    json_times("http_ms", offsetof(struct sess, t_start), offsetof(struct sess, t_http));
    json_times("ice_ms", offsetof(struct sess, t_http), offsetof(struct sess, t_ice));
    json_times("dtls_ms", offsetof(struct sess, t_ice), offsetof(struct sess, t_done));
    json_times("first_rtp_ms", offsetof(struct sess, t_start), offsetof(struct sess, t_rtp));
    json_times("first_keyframe_ms", offsetof(struct sess, t_start), offsetof(struct sess, t_key));
    printf("\"handshakes_per_s\":%.1f,\"window_s\":%.3f,\"drain_s\":%.3f,\"rtp_packets\":%llu,\"rtp_bytes\":%llu,\"pps\":%.1f,\"mbps\":%.2f,"
           "\"expected_packets\":%llu,\"delivered_ratio\":%.5f,\"worst_player_ratio\":%.5f,\"seq_lost\":%llu,\"dups\":%llu,"
           "\"reordered\":%llu,\"verified_players\":%d,\"verify_ok\":%llu,\"verify_fail\":%llu,\"payload_match\":%llu,"
           "\"payload_mismatch\":%llu,\"rtcp_auth_fail\":%llu,",
           hs, w, t1 ? (double)(t_last_rx > t1 ? t_last_rx - t1 : 0) / 1e9 : 0, (unsigned long long)rx, (unsigned long long)by, w ? (double)rx / w : 0, w ? (double)by * 8e-6 / w : 0,
           (unsigned long long)expct, ratio, worst < 0 ? 0 : worst, (unsigned long long)lost, (unsigned long long)dup,
           (unsigned long long)late, verified, (unsigned long long)verify_ok, (unsigned long long)verify_fail,
           (unsigned long long)pay_match, (unsigned long long)pay_miss, (unsigned long long)rtcp_bad);
    json_hist("latency_ms", &H_lat);
    json_hist("frame_latency_ms", &H_frame);
    printf("\"pub_packets\":%llu,\"pub_mbps\":%.3f,\"pub_pli\":%llu,\"pub_nack\":%llu,\"pub_rtx\":%llu,\"pub_txdrop\":%llu,"
           "\"pub_late_ms_max\":%.2f,\"server_stun_requests\":%llu,",
           (unsigned long long)sent, w ? (double)sb * 8e-6 / w : 0, (unsigned long long)pli, (unsigned long long)nack,
           (unsigned long long)rtx, (unsigned long long)drop, (double)t_late_max / 1e6, (unsigned long long)stun_rx_req);
    double own = cpu_t1.own - cpu_t0.own, srv = cpu_t1.total - cpu_t0.total, busy = cpu_t1.busy - cpu_t0.busy;
    if (!w) own = srv = busy = 0;
    printf("\"own_cpu_s\":%.3f,\"own_cores\":%.3f,\"machine_busy_cores\":%.3f,\"other_cores\":%.3f,\"steal_cores\":%.3f",
           own, w ? own / w : 0, w ? busy / w : 0, w && nprocs && busy > own + srv ? (busy - own - srv) / w : 0,
           w ? (cpu_t1.steal - cpu_t0.steal) / w : 0);
    if (nprocs)
        printf(",\"server_procs\":%d,\"server_cpu_s\":%.3f,\"server_cpu_user_s\":%.2f,\"server_cpu_sys_s\":%.2f,\"cores\":%.4f,"
               "\"server_cpu_us_per_packet\":%.3f,\"server_cpu_ms_per_handshake\":%.3f,"
               "\"server_rss_kb\":{\"start\":%ld,\"end\":%ld,\"peak\":%ld,\"hwm\":%ld}",
               nprocs, cpu, w ? cpu_end.user - cpu_t0.user : 0, w ? cpu_end.sys - cpu_t0.sys : 0, w ? srv / w : 0,
               rx && w ? cpu * 1e6 / (double)rx : 0,
               conn && t_ramp_last ? (cpu_ramp1.total - cpu_ramp0.total) * 1e3 / conn : 0, rss_start, rss_end, rss_peak, rss_hwm);
    if (nslow) {
        printf(",\"slow\":{\"players\":%d,\"for_s\":%.1f,\"delivered_ratio\":%.5f,\"seq_lost\":%llu,\"dropped_by_server\":%d,"
               "\"gaps\":%llu,\"gaps_to_inter_picture\":%llu,\"gaps_in_a_picture\":%llu,\"players_up_to_date\":%llu,"
               "\"others_delivered_ratio\":%.5f,", nslow, C.slow_for, sexp ? (double)srx / (double)sexp : 0,
               (unsigned long long)slost, slow_dead, (unsigned long long)gaps, (unsigned long long)inter, (unsigned long long)cut,
               (unsigned long long)resumed, expct > sexp ? (double)(rx - srx) / (double)(expct - sexp) : 0);
        json_hist("others_latency_ms_during", &H_slow);
        json_hist("others_latency_ms_outside", &H_calm);
        bool hit = expct > sexp && ((double)(rx - srx) / (double)(expct - sexp) < 0.999 ||
                                    hist_ms(&H_slow, .95) > 2 * hist_ms(&H_calm, .95) + 5);
        printf("\"others_suffered\":%s}", hit ? "true" : "false");
    }
    printf(",\"errors\":{");
    for (int i = 0; i < 24 && errs[i].n; i++) { if (i) putchar(','); json_str(errs[i].msg); printf(":%d", errs[i].n); }
    printf("}}\n");
    fflush(stdout);
    return ratio;
}

/* ---------- options and main loop ---------- */
static const char usage_text[] =
"usage: rtcload [--publish WHIP_URL --h264 FILE | --vp8 FILE] [--opus FILE] [--play WHEP_URL --players N] [options]\n"
"  --publish URL        WHIP endpoint; \"{}\" in a URL becomes the stream number 0..M-1\n"
"  --publishers M       number of publishers (1); players are spread over them in turn\n"
"  --play URL           WHEP endpoint            --players N        number of players (1 with --play)\n"
"  --transport tcp|udp  media transport (tcp)    --srtp aes_cm|gcm  SRTP profile offered (aes_cm)\n"
"  --codec h264|vp8     codec offered (h264)     --candidate IP:PORT  use this instead of the answer's candidate\n"
"  --h264 FILE          Annex-B, looped          --vp8 FILE         IVF, looped (implies --codec vp8)\n"
"  --opus FILE          Ogg Opus, 20 ms packets  --fps N            video frame rate (30)\n"
"  --sei on|off         timestamp SEI in each H.264 access unit (on)\n"
"  --ramp R             new players per second, 0 = all at once (50)\n"
"  --settle S           seconds between the last connect and the measured window (3)\n"
"  --duration S         measured window (15)     --timeout S        limit for one connection set-up (15)\n"
"  --verify-every K     every K-th player decrypts and checks each packet, 0 = none (10)\n"
"  --nack               players send NACK for gaps (off: raw loss is reported)\n"
"  --slow K             K players stop reading   --slow-for S       for S seconds (5)\n"
"  --slow-at S          S seconds into the window (1)   --slow-rcvbuf B   their TCP SO_RCVBUF (16384)\n"
"  --rcvbuf B           UDP SO_RCVBUF of all players (4194304)\n"
"  --server-pid PID     repeatable; --server-pids A,B: measure these processes and their descendants\n"
"  --min-ratio X        exit 5 when the delivered ratio is below X\n"
"  --no-delete          do not DELETE the sessions at the end     --tag TEXT   copied into the report\n"
"  --verbose            print offers, answers and every error\n"
"exit: 0 ok, 1 usage, 2 set-up, 3 publisher failed, 4 player(s) failed, lost or without RTP, 5 ratio, 6 time limit, 130 SIGINT\n";
static void on_sig(int s) { (void)s; if (interrupted++) _exit(130); }
static double num(const char *o, const char *v, double lo, double hi) {
    char *e;
    double d = strtod(v, &e);
    if (*e || e == v || d < lo || d > hi) die(EX_USAGE_, "--%s %s: want a number from %g to %g", o, v, lo, hi);
    return d;
}
static void options(int argc, char **argv) {
    static const char *const names[] = {"publish", "publishers", "play", "players", "transport", "srtp", "codec", "h264", "vp8",
        "opus", "fps", "sei", "ramp", "settle", "duration", "timeout", "verify-every", "slow", "slow-for", "slow-at",
        "slow-rcvbuf", "rcvbuf", "server-pid", "server-pids", "min-ratio", "candidate", "tag", "nack", "no-delete", "verbose",
        "help"};
    enum { N = sizeof names / sizeof *names };
    struct option o[N + 1];
    memset(o, 0, sizeof o);
    for (int i = 0; i < N; i++) o[i] = (struct option){names[i], i < N - 4, NULL, 0};
    int c, i;
    while ((c = getopt_long(argc, argv, "", o, &i)) != -1) {
        if (c) { fputs(usage_text, stderr); exit(EX_USAGE_); }
        const char *n = names[i], *v = optarg;
#define IS(x) (!strcmp(n, x))
        if (IS("publish")) C.publish = v;
        else if (IS("publishers")) C.publishers = (int)num(n, v, 1, 1000);
        else if (IS("play")) C.play = v;
        else if (IS("players")) C.players = (int)num(n, v, 0, 100000);
        else if (IS("transport")) { C.tcp = !strcmp(v, "tcp"); if (!C.tcp && strcmp(v, "udp")) die(EX_USAGE_, "--transport tcp|udp"); }
        else if (IS("srtp")) { C.gcm = !strcmp(v, "gcm"); if (!C.gcm && strcmp(v, "aes_cm")) die(EX_USAGE_, "--srtp aes_cm|gcm"); }
        else if (IS("codec")) { C.use_vp8 = !strcmp(v, "vp8"); if (!C.use_vp8 && strcmp(v, "h264")) die(EX_USAGE_, "--codec h264|vp8"); }
        else if (IS("h264")) C.h264 = v;
        else if (IS("vp8")) { C.vp8 = v; C.use_vp8 = true; }
        else if (IS("opus")) C.opus = v;
        else if (IS("fps")) C.fps = num(n, v, 1, 240);
        else if (IS("sei")) { C.sei = !strcmp(v, "on"); if (!C.sei && strcmp(v, "off")) die(EX_USAGE_, "--sei on|off"); }
        else if (IS("ramp")) C.ramp = num(n, v, 0, 100000);
        else if (IS("settle")) C.settle = num(n, v, 0, 600);
        else if (IS("duration")) C.duration = num(n, v, 0.1, 86400);
        else if (IS("timeout")) C.timeout = num(n, v, 0.1, 600);
        else if (IS("verify-every")) C.verify_every = (int)num(n, v, 0, 1e6);
        else if (IS("slow")) C.slow = (int)num(n, v, 0, 1e5);
        else if (IS("slow-for")) C.slow_for = num(n, v, 0.1, 3600);
        else if (IS("slow-at")) C.slow_at = num(n, v, 0, 3600);
        else if (IS("slow-rcvbuf")) C.slow_rcvbuf = (int)num(n, v, 1024, 1e9);
        else if (IS("rcvbuf")) C.rcvbuf = (int)num(n, v, 1024, 1e9);
        else if (IS("server-pid") || IS("server-pids")) {
            for (const char *q = v; *q; q += strcspn(q, ","), q += *q == ',') {
                int pid = atoi(q);
                if (pid <= 0 || (kill(pid, 0) && errno == ESRCH)) die(EX_USAGE_, "--%s %s: no such process", n, v);
                proc_add(pid);
            }
        } else if (IS("min-ratio")) C.min_ratio = num(n, v, 0, 2);
        else if (IS("candidate")) C.candidate = v;
        else if (IS("tag")) C.tag = v;
        else if (IS("nack")) C.nack = true;
        else if (IS("no-delete")) C.no_delete = true;
        else if (IS("verbose")) C.verbose = true;
        else { fputs(usage_text, stdout); exit(0); }
    }
    if (optind < argc) die(EX_USAGE_, "unexpected argument %s (see --help)", argv[optind]);
    if (!C.publish && !C.play) die(EX_USAGE_, "give --publish and/or --play (see --help)");
    if (C.publish && !(C.use_vp8 ? C.vp8 : C.h264)) die(EX_USAGE_, "--publish needs --%s FILE", C.use_vp8 ? "vp8" : "h264");
    if (C.publishers > 1 && ((C.publish && !strstr(C.publish, "{}")) || (C.play && !strstr(C.play, "{}"))))
        die(EX_USAGE_, "with --publishers above 1 the URLs need {} for the stream number");
    if (C.players < 0) C.players = C.play ? 1 : 0;
    if (!C.play) C.players = 0;
    if (C.slow > C.players) die(EX_USAGE_, "--slow is more than --players");
}
static void set_slow(bool on) {
    slow_now = on;
    for (int i = npub; i < nsess; i++)
        if (S[i].slow && S[i].st == S_RUN) {
            S[i].slowed = on;
            S[i].stun_ok = mono();
            ep_set(&S[i], S[i].mfd, false, EPOLL_CTL_MOD, (on ? 0 : EPOLLIN) | (S[i].eout ? EPOLLOUT : 0));
        }
}
static void on_event(struct epoll_event *e) {
    struct sess *s = &S[e->data.u64 >> 1];
    if (s->st >= S_DEAD) return;
    if (e->data.u64 & 1) {
        if (s->hfd < 0) return;
        if (s->st == S_HCONN) http_send(s);
        else if (s->st == S_HTTP) http_read(s);
        return;
    }
    if (s->mfd < 0) return;
    if (s->st == S_MCONN) {
        int err = 0;
        socklen_t l = sizeof err;
        getsockopt(s->mfd, SOL_SOCKET, SO_ERROR, &err, &l);
        if (err) { fail(s, "%s", strerror(err)); return; }
        s->st = S_ICE;
        ep_set(s, s->mfd, false, EPOLL_CTL_MOD, EPOLLIN);
        if (s->st == S_ICE) stun_request(s, mono());
        return;
    }
    if (e->events & EPOLLOUT && C.tcp) tx_flush(s);
    if (s->slowed && e->events & (EPOLLHUP | EPOLLERR)) { fail(s, "closed by the server while slow"); return; }
    if (s->slowed || s->mfd < 0) return;
    if (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) { if (C.tcp) read_tcp(s); else read_udp(s); }
}
static void second_line(int64_t now) {
    static uint64_t lrx, lby, ll;
    static struct cpu lc;
    static int64_t lt;
    struct cpu c = cpu_now();
    double dt = lt ? (double)(now - lt) / 1e9 : 1;
    static const char *const pn[] = {"pub", "warm", "ramp", "settle", "sync", "measure", "drain", "end"};
    fprintf(stderr, "t=%-4.0f %-7s players=%d/%d failed=%d pps=%.0f mbps=%.2f lost=%llu own=%.2f", (double)(now - t_begin) / 1e9,
            pn[phase], live_players, C.players, failed_players + lost_players, (double)(tot_rx - lrx) / dt,
            (double)(tot_bytes - lby) * 8e-6 / dt, (unsigned long long)(tot_lost - ll), lt ? (c.own - lc.own) / dt : 0);
    if (nprocs) fprintf(stderr, " server=%.2f rss=%ldM", lt ? (c.total - lc.total) / dt : 0, rss_end >> 10);
    if (H_lat.n) fprintf(stderr, " lat_p50=%.2fms p99=%.2fms", hist_ms(&H_lat, .5), hist_ms(&H_lat, .99));
    fputc('\n', stderr);
    lrx = tot_rx; lby = tot_bytes; ll = tot_lost; lc = c; lt = now;
}
int main(int argc, char **argv) {
    options(argc, argv);
    signal(SIGINT, on_sig);
    signal(SIGTERM, on_sig);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit rl = {1 << 17, 1 << 17};
    if (setrlimit(RLIMIT_NOFILE, &rl)) { getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl); }
    char url[2048];
    if (C.publish) { url_subst(url, sizeof url, C.publish, 0); url_parse(url, &pub_addr, NULL, 0, NULL); }
    if (C.play) { url_subst(url, sizeof url, C.play, 0); url_parse(url, &play_addr, NULL, 0, NULL); }
    if (C.publish && C.use_vp8) load_ivf(C.vp8);
    else if (C.publish) load_h264(C.h264);
    if (C.publish && C.opus) load_opus(C.opus);
    crc_init();
    dtls_init();
    npub = C.publish ? C.publishers : 0;
    nsess = npub + C.players;
    S = xzalloc(sizeof *S * (size_t)nsess);
    P = xzalloc(sizeof *P * (size_t)(npub + 1));
    for (int i = 0; i < nsess; i++) {
        struct sess *s = &S[i];
        s->idx = i;
        s->hfd = s->mfd = -1;
        s->pub = i < npub;
        int k = i - npub;
        s->pubno = s->pub ? i : k % C.publishers;
        s->slow = !s->pub && k >= C.players - C.slow;
        s->verify = !s->pub && !s->slow && C.verify_every && k % C.verify_every == 0;
        if (!s->pub) continue;
        P[i] = (struct pub){.s = s, .vssrc = rnd32() | 1, .assrc = rnd32() | 1, .vts0 = rnd32(), .ats0 = rnd32(),
                            .vseq = (uint16_t)(rnd32() & 0x7fff), .aseq = (uint16_t)(rnd32() & 0x7fff)};
        P[i].ring = xzalloc(RTX_RING * sizeof *P[i].ring);
    }
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0) die(EX_SETUP, "epoll: %s", strerror(errno));
    t_begin = t_phase = mono();
    int64_t next_sweep = t_begin, next_sec = t_begin + SEC, hard = INT64_MAX;
    hard = t_begin + (int64_t)((2 * C.timeout + 10 + (C.ramp > 0 ? C.players / C.ramp : 0) + C.settle + C.duration + 30) * 1e9);
    int started = 0, rc = 0;
    bool slow_done = C.slow == 0;
    phase = npub ? PH_PUB : PH_WARM;
    for (int i = 0; i < npub; i++) sess_start(&S[i]);
    static struct epoll_event ev[512];
    while (phase != PH_END) {
        int64_t now = mono(), next = pubs_run(now), wake;
        if (interrupted || pub_failed || now > hard) {
            timed_out = now > hard;
            if (t0 && !t1) { t1 = now; cpu_t1 = cpu_now(); }
            break;
        }
        switch (phase) {
        case PH_PUB: {
            bool all = true;
            for (int i = 0; i < npub; i++) all &= S[i].st == S_RUN;
            if (all) { phase = PH_WARM; t_phase = now; }
            break;
        }
        case PH_WARM:
            if (now - t_phase < (npub ? SEC : 0)) break;
            phase = PH_RAMP;
            t_phase = t_ramp0 = now;
            cpu_ramp0 = cpu_now();
            break;
        case PH_RAMP: {
            int due = C.ramp > 0 ? 1 + (int)((double)(now - t_phase) * 1e-9 * C.ramp) : C.players;
            for (int k = 0; started < C.players && started < due && k < 64; k++) sess_start(&S[npub + started++]);
            if (started == C.players && live_players + lost_players + failed_players == C.players) {
                phase = PH_SETTLE;
                t_phase = now;
                cpu_ramp1 = cpu_now();
            }
            break;
        }
        case PH_SETTLE:
            if (now - t_phase < (int64_t)(C.settle * 1e9)) break;
            phase = PH_PRE;             /* publishers pause until all is delivered: the window's counts are then exact */
            t_phase = now;
            break;
        case PH_PRE:
            if (npub && now - t_phase < 2 * SEC && (now - t_phase < 120 * MS || now - t_last_rx < 120 * MS)) break;
            for (int i = 0; i < npub; i++) {
                P[i].v0 += now - t_phase;
                P[i].vnext += now - t_phase;
                P[i].a0 += now - t_phase;
                if (P[i].anext != INT64_MAX) P[i].anext += now - t_phase;
            }
            take_t0();
            break;
        case PH_WIN:
            if (!slow_done && !slow_now && now - t0 >= (int64_t)(C.slow_at * 1e9)) set_slow(true);
            if (slow_now && now - t0 >= (int64_t)((C.slow_at + C.slow_for) * 1e9)) { set_slow(false); slow_done = true; }
            if (now - t0 >= (int64_t)(C.duration * 1e9)) {
                t1 = now;
                cpu_t1 = cpu_now();
                if (slow_now) set_slow(false);
                phase = PH_DRAIN;
                t_phase = now;
            }
            break;
        case PH_DRAIN:
            if (!npub || (now - t_phase > 200 * MS && now - t_last_rx > 200 * MS) || now - t_phase > 5 * SEC) phase = PH_END;
            break;
        case PH_END: break;
        }
        if (now >= next_sweep) { sweep(now); next_sweep = now + 50 * MS; }
        if (now >= next_sec) { second_line(now); next_sec += SEC * (1 + (now - next_sec) / SEC); }
        wake = next < next_sweep ? next : next_sweep;
        if (phase == PH_RAMP && started < C.players) {
            int64_t r = C.ramp > 0 ? t_phase + (int64_t)(started / C.ramp * 1e9) : now;
            if (r < wake) wake = r;
        }
        int ms = wake <= now ? 0 : (int)((wake - now + MS - 1) / MS);
        int n = epoll_wait(ep, ev, 512, ms > 50 ? 50 : ms);
        for (int i = 0; i < n; i++) {
            if ((i & 31) == 31 && next <= mono()) next = pubs_run(mono());
            on_event(&ev[i]);
        }
    }
    cpu_end = cpu_now();
    double ratio = report();
    if (pub_failed) rc = EX_PUB;
    else if (interrupted) rc = 130;
    else if (timed_out) rc = EX_TIMEOUT;
    else if (failed_players || lost_players) rc = EX_PLAY;
    else if (C.players && ratio == 0) rc = EX_PLAY;
    else if (C.players && ratio < C.min_ratio) rc = EX_RATIO;
    int64_t limit = mono() + 10 * SEC;          /* tidy up: players first, then publishers */
    for (int i = nsess - 1; i >= 0 && mono() < limit && interrupted < 2; i--) {
        struct sess *s = &S[i];
        bool was = s->st == S_RUN;
        s->st = was ? S_ENDED : S_DEAD;
        if (was && s->ssl && s->mfd >= 0) {
            ERR_clear_error();
            SSL_shutdown(s->ssl);
            uint8_t b[512];
            int n = BIO_read(s->wb, b, sizeof b);
            if (n > 0 && !s->txl) tx_queue(s, b, (size_t)n);
            if (n > 0 && C.tcp && s->txl && send(s->mfd, s->tx, s->txl, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) note_err("close");
        }
        if (!C.no_delete && s->location[0]) http_delete(s);
        close_sess(s);
    }
    return rc;
}
