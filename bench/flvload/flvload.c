/*
 * flvload - N viewers of one HTTP-FLV stream in one thread, which cost little themselves: most of them have the
 * kernel throw away what came (MSG_TRUNC); every 25th reads its tags and checks them.
 *
 *   flvload --port 8080 --path /live/a.flv --viewers 500 [--stalled 100] [--settle 4] [--duration 20]
 *
 * Prints "begin", "end" at the edges of the measured window, then one line of JSON. A stalled viewer reads the
 * head of the answer and then nothing. Latency is from the time in rtcload's SEI (CLOCK_MONOTONIC of the
 * publisher) to the read. IPv4 loopback only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define VERIFY_EVERY 25
#define MAX_TAG (4 << 20)
#define MAX_HEAD 4096
#define MAX_LATENCIES (1 << 20)
enum { READS_HEAD, READS_BODY, STALLED, GONE };

struct viewer {
    int fd, state;
    bool stalls, verifies;
    char head[MAX_HEAD];
    int head_len;
    uint64_t window_bytes;
    /* of those who verify: the chunked coding, then tags */
    uint64_t chunk_left;
    int chunk_state, chunk_digits;      /* 0 size, 1 LF of size, 2 data, 3 CR, 4 LF */
    uint8_t *tag;
    uint32_t tag_len;
    bool began;
    int64_t last_video;
};

static struct viewer *viewers;
static int count = 500, stalled, port, lost, bad_tags;
static double settle = 4, duration = 20;
static const char *path = "/live/livestream.flv";
static bool in_window;
static uint64_t video_tags, audio_tags, chunks;
static uint32_t *latencies;
static size_t latency_count;
static volatile sig_atomic_t stopped;

static int64_t mono(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static void die(const char *what) {
    fprintf(stderr, "flvload: %s: %s\n", what, strerror(errno));
    exit(2);
}
static void on_signal(int number) { (void)number; stopped = 1; }

static uint32_t u24(const uint8_t *p) { return (uint32_t)p[0] << 16 | p[1] << 8 | p[2]; }

/* One whole tag, its size behind it included. */
static void tag_done(struct viewer *v) {
    const uint8_t *p = v->tag;
    uint32_t size = u24(p + 1), end = 11 + size;
    uint32_t said = (uint32_t)p[end] << 24 | u24(p + end + 1);
    int64_t at = (int64_t)u24(p + 4) | (int64_t)p[7] << 24;
    if (said != end || (p[0] != 8 && p[0] != 9 && p[0] != 18)) bad_tags++;
    if (p[0] == 9) {
        if (at < v->last_video) bad_tags++;
        v->last_video = at;
    }
    if (!in_window) return;
    video_tags += p[0] == 9;
    audio_tags += p[0] == 8;
    const uint8_t *sei = p[0] == 9 ? memmem(p + 11, size < 512 ? size : 512, "rtcload-sei-time", 16) : NULL;
    if (sei && sei + 32 <= p + 11 + size && latency_count < MAX_LATENCIES) {
        char hex[17] = {0};
        memcpy(hex, sei + 16, 16);
        int64_t late = mono() - (int64_t)strtoull(hex, NULL, 16);
        latencies[latency_count++] = late < 0 ? 0 : (uint32_t)(late / 1000);
    }
}
static void flv_bytes(struct viewer *v, const uint8_t *p, size_t n) {
    while (n > 0) {
        uint32_t want = !v->began ? 13 : v->tag_len < 11 ? 11 : 11 + u24(v->tag + 1) + 4;
        if (want > MAX_TAG) { bad_tags++; v->tag_len = 0; return; }
        size_t some = want - v->tag_len < n ? want - v->tag_len : n;
        memcpy(v->tag + v->tag_len, p, some);
        v->tag_len += some;
        p += some;
        n -= some;
        if (v->tag_len < want) return;
        if (!v->began) {
            if (memcmp(v->tag, "FLV\1", 4)) bad_tags++;
            v->began = true;
            v->tag_len = 0;
        } else if (want > 11) {
            tag_done(v);
            v->tag_len = 0;
        }
    }
}
static void body_bytes(struct viewer *v, const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n;) {
        uint8_t c = p[i];
        switch (v->chunk_state) {
        case 0:
            i++;
            if (c == '\r') v->chunk_state = 1;
            else v->chunk_left = v->chunk_left * 16 + (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
            break;
        case 1:
            i++;
            chunks += in_window;
            v->chunk_state = 2;
            break;
        case 2: {
            size_t some = n - i < v->chunk_left ? n - i : v->chunk_left;
            flv_bytes(v, p + i, some);
            i += some;
            v->chunk_left -= some;
            if (!v->chunk_left) v->chunk_state = 3;
            break;
        }
        default:
            i++;
            if (c != "\r\n"[v->chunk_state - 3]) bad_tags++;
            v->chunk_state = (v->chunk_state + 1) % 5;
        }
    }
}
static void got(struct viewer *v, size_t n) {
    if (in_window) v->window_bytes += n;
}
static void leave(struct viewer *v) {
    close(v->fd);
    v->state = GONE;
    lost++;
}
static void read_head(struct viewer *v, int ep) {
    int n = (int)recv(v->fd, v->head + v->head_len, (size_t)(MAX_HEAD - 1 - v->head_len), 0);
    if (n <= 0) { if (n == 0 || errno != EAGAIN) leave(v); return; }
    v->head_len += n;
    char *end = memmem(v->head, (size_t)v->head_len, "\r\n\r\n", 4);
    if (!end) return;
    v->head[v->head_len] = 0;
    if (strncmp(v->head, "HTTP/1.1 200 ", 13)) {
        fprintf(stderr, "flvload: %.*s\n", (int)strcspn(v->head, "\r"), v->head);
        leave(v);
        return;
    }
    v->state = READS_BODY;
    int rest = v->head_len - (int)(end + 4 - v->head);
    got(v, (size_t)rest);
    if (v->verifies) body_bytes(v, (uint8_t *)end + 4, (size_t)rest);
    if (!v->stalls) return;
    v->state = STALLED;
    epoll_ctl(ep, EPOLL_CTL_DEL, v->fd, NULL);
}
static void read_body(struct viewer *v) {
    static uint8_t buffer[1 << 20];
    ssize_t n = recv(v->fd, buffer, sizeof buffer, v->verifies ? 0 : MSG_TRUNC);
    if (n <= 0) { if (n == 0 || errno != EAGAIN) leave(v); return; }
    got(v, (size_t)n);
    if (v->verifies) body_bytes(v, buffer, (size_t)n);
}
static void begin(struct viewer *v, int ep, int number) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    v->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (v->fd < 0) die("socket");
    v->stalls = number >= count - stalled;
    v->verifies = !v->stalls && number % VERIFY_EVERY == 0;
    if (v->verifies && !(v->tag = malloc(MAX_TAG))) die("memory");
    int small = 16384;
    if (v->stalls) setsockopt(v->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(v->fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    char request[512];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, port);
    if (send(v->fd, request, (size_t)n, MSG_NOSIGNAL) != n) die("send");
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = v};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, v->fd, &e)) die("epoll");
}
static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}
static double latency(double share) {
    if (!latency_count) return 0;
    size_t at = (size_t)(share * (double)(latency_count - 1));
    return latencies[at] / 1000.0;
}
static double own_cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}
static void options(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *o = argv[i], *value = argv[i + 1];
        if (!strcmp(o, "--port")) port = atoi(value);
        else if (!strcmp(o, "--path")) path = value;
        else if (!strcmp(o, "--viewers")) count = atoi(value);
        else if (!strcmp(o, "--stalled")) stalled = atoi(value);
        else if (!strcmp(o, "--settle")) settle = atof(value);
        else if (!strcmp(o, "--duration")) duration = atof(value);
        else { fprintf(stderr, "flvload: unknown option %s\n", o); exit(1); }
    }
    if (port <= 0 || count <= 0 || stalled >= count) {
        fprintf(stderr, "flvload: --port is needed, and viewers who are not stalled\n");
        exit(1);
    }
}
int main(int argc, char **argv) {
    options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int ep = epoll_create1(EPOLL_CLOEXEC);
    viewers = calloc((size_t)count, sizeof *viewers);
    latencies = malloc(MAX_LATENCIES * sizeof *latencies);
    if (ep < 0 || !viewers || !latencies) die("start");
    int begun = 0;
    int64_t all = 0, window = 0, ended = 0;
    double cpu = 0;
    static struct epoll_event events[256];
    while (!stopped && !ended) {
        /* A few at a time, so that the server's backlog holds them. */
        for (int k = 0; k < 8 && begun < count; k++, begun++) begin(&viewers[begun], ep, begun);
        int n = epoll_wait(ep, events, 256, begun < count ? 5 : 50);
        for (int i = 0; i < n; i++) {
            struct viewer *v = events[i].data.ptr;
            if (v->state == READS_HEAD) read_head(v, ep);
            else if (v->state == READS_BODY) read_body(v);
        }
        int64_t now = mono();
        if (!all && begun == count) all = now;
        if (all && !window && now - all >= (int64_t)(settle * 1e9)) {
            window = now;
            in_window = true;
            cpu = own_cpu();
            puts("begin");
        }
        if (window && now - window >= (int64_t)(duration * 1e9)) ended = now;
    }
    in_window = false;
    puts("end");
    double seconds = (double)(ended - window) / 1e9, own = (own_cpu() - cpu) / seconds;
    uint64_t total = 0, most = 0, least = UINT64_MAX;
    int verified = 0, waiting = 0;
    for (int i = 0; i < count; i++) {
        struct viewer *v = &viewers[i];
        if (v->stalls) continue;
        total += v->window_bytes;
        if (v->window_bytes > most) most = v->window_bytes;
        if (v->window_bytes < least) least = v->window_bytes;
        verified += v->verifies;
        waiting += v->state == READS_HEAD;
    }
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf("{\"seconds\":%.3f,\"viewers\":%d,\"stalled\":%d,\"lost\":%d,\"waiting\":%d,\"mbps\":%.1f,\"least_of_most\":%.4f,"
           "\"verified\":%d,\"video_tags\":%llu,\"audio_tags\":%llu,\"bad_tags\":%d,\"chunks\":%llu,\"own_cores\":%.3f,"
           "\"latency_ms\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}}\n",
           seconds, count, stalled, lost, waiting, (double)total * 8e-6 / seconds, most ? (double)least / (double)most : 0,
           verified, (unsigned long long)video_tags, (unsigned long long)audio_tags, bad_tags, (unsigned long long)chunks,
           own, latency(.5), latency(.99), latency(1));
    return 0;
}
