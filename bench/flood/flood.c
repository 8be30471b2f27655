/*
 * Floods a server from one address, at a steady rate, to measure what others feel of it.
 *
 *   flood syn   HOST PORT RATE SECONDS          SYNs with forged sources out of 198.18.0.0/15 (RFC 2544)
 *   flood stun  HOST PORT RATE SECONDS UFRAG    Binding requests of a session with a wrong MESSAGE-INTEGRITY, forged likewise
 *   flood talk  HOST PORT RATE SECONDS FILE     connections from 127.0.0.66 that write FILE, read what comes for 1 s, and close
 *
 * Forged sources need root, and a network where 198.18.0.0/15 leads nowhere. Prints one line: what was sent, and how many
 * connections got an answer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_OPEN 900
#define READ_MILLIS 1000

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint32_t state = 2463534242u;
static uint32_t dice(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static uint16_t checksum(const void *data, size_t size, uint32_t sum) {
  const uint8_t *at = data;
  for (; size > 1; size -= 2, at += 2) sum += (uint32_t)at[0] << 8 | at[1];
  if (size) sum += (uint32_t)at[0] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

/* The sum of the pseudo header (RFC 9293 3.1, RFC 768). */
static uint32_t pseudo(const struct iphdr *ip, uint16_t size) {
  uint32_t from = ntohl(ip->saddr), to = ntohl(ip->daddr);
  return (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff) + ip->protocol + size;
}

static size_t head(uint8_t *packet, struct in_addr to, uint8_t protocol, size_t payload) {
  struct iphdr *ip = (struct iphdr *)packet;
  memset(ip, 0, sizeof *ip);
  ip->version = 4;
  ip->ihl = 5;
  ip->ttl = 64;
  ip->protocol = protocol;
  ip->tot_len = htons((uint16_t)(sizeof *ip + payload));
  ip->saddr = htonl(0xc6120000u | (dice() & 0x1ffff));
  ip->daddr = to.s_addr;
  return sizeof *ip;
}

static size_t make_syn(uint8_t *packet, struct in_addr to, uint16_t port) {
  size_t at = head(packet, to, IPPROTO_TCP, sizeof(struct tcphdr));
  struct tcphdr *tcp = (struct tcphdr *)(packet + at);
  memset(tcp, 0, sizeof *tcp);
  tcp->source = htons(1024 + dice() % 60000);
  tcp->dest = htons(port);
  tcp->seq = dice();
  tcp->doff = 5;
  tcp->syn = 1;
  tcp->window = htons(65535);
  tcp->check = checksum(tcp, sizeof *tcp, pseudo((struct iphdr *)packet, sizeof *tcp));
  return at + sizeof *tcp;
}

/* USERNAME, MESSAGE-INTEGRITY of dice (RFC 8489). */
static size_t stun_message(uint8_t *out, const char *ufrag) {
  char name[128];
  int length = snprintf(name, sizeof name, "%s:flood", ufrag);
  size_t padded = (length + 3) & ~3u;
  memset(out, 0, 20 + 4 + padded + 24);
  out[1] = 1;
  out[3] = (uint8_t)(4 + padded + 24);
  memcpy(out + 4, "\x21\x12\xa4\x42", 4);
  for (int i = 8; i < 20; i++) out[i] = (uint8_t)dice();
  out[21] = 6;
  out[23] = (uint8_t)length;
  memcpy(out + 24, name, length);
  uint8_t *integrity = out + 24 + padded;
  integrity[1] = 8;
  integrity[3] = 20;
  for (int i = 4; i < 24; i++) integrity[i] = (uint8_t)dice();
  return 24 + padded + 24;
}

static size_t make_stun(uint8_t *packet, struct in_addr to, uint16_t port, const char *ufrag) {
  uint8_t *payload = packet + sizeof(struct iphdr) + sizeof(struct udphdr);
  size_t size = sizeof(struct udphdr) + stun_message(payload, ufrag);
  size_t at = head(packet, to, IPPROTO_UDP, size);
  struct udphdr *udp = (struct udphdr *)(packet + at);
  udp->source = htons(1024 + dice() % 60000);
  udp->dest = htons(port);
  udp->len = htons((uint16_t)size);
  udp->check = 0;
  return at + size;
}

struct talk {
  int fd;
  uint64_t since;
  int written, answered;
};

static struct talk talks[MAX_OPEN];
static long answered, refused;

static void hang_up(struct talk *one) {
  struct linger reset = {1, 0};
  setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(one->fd);
  one->fd = -1;
}

static int dial(struct sockaddr_in *to) {
  for (int i = 0; i < MAX_OPEN; i++) {
    if (talks[i].fd >= 0) continue;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return 0;
    struct sockaddr_in from = {.sin_family = AF_INET};
    inet_pton(AF_INET, "127.0.0.66", &from.sin_addr);
    int one = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    bind(fd, (struct sockaddr *)&from, sizeof from);
    if (connect(fd, (struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS) {
      close(fd);
      refused++;
      return 0;
    }
    talks[i] = (struct talk){.fd = fd, .since = now_us()};
    return 1;
  }
  return 0;
}

static void attend(const uint8_t *words, size_t size, int millis) {
  static struct pollfd polled[MAX_OPEN];
  for (int i = 0; i < MAX_OPEN; i++) {
    polled[i].fd = talks[i].fd;
    polled[i].events = talks[i].written ? POLLIN : POLLOUT;
  }
  poll(polled, MAX_OPEN, millis);
  uint64_t now = now_us();
  static uint8_t sink[65536];
  for (int i = 0; i < MAX_OPEN; i++) {
    struct talk *one = &talks[i];
    if (one->fd < 0) continue;
    if (polled[i].revents & POLLOUT && !one->written) {
      one->written = 1;
      if (write(one->fd, words, size) < 0) refused++;
    } else if (polled[i].revents) {
      ssize_t got = read(one->fd, sink, sizeof sink);
      if (got > 0 && !one->answered) one->answered = 1, answered++;
      if (got <= 0) hang_up(one);
    }
    if (one->fd >= 0 && now - one->since > READ_MILLIS * 1000) hang_up(one);
  }
}

int main(int argc, char **argv) {
  if (argc < 6) return fprintf(stderr, "flood syn|stun|talk HOST PORT RATE SECONDS [UFRAG|FILE]\n"), 2;
  int syn = !strcmp(argv[1], "syn"), stun = !strcmp(argv[1], "stun");
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[3]))};
  inet_pton(AF_INET, argv[2], &to.sin_addr);
  double rate = atof(argv[4]);
  uint64_t begun = now_us(), until = begun + (uint64_t)(atof(argv[5]) * 1e6);
  static uint8_t words[131072];
  size_t size = 0;
  int raw = -1;
  if (syn || stun) {
    raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (raw < 0) return perror("raw socket"), 1;
  } else {
    FILE *file = fopen(argv[6], "rb");
    if (!file) return perror(argv[6]), 1;
    size = fread(words, 1, sizeof words, file);
    fclose(file);
    for (int i = 0; i < MAX_OPEN; i++) talks[i].fd = -1;
  }
  long sent = 0;
  while (now_us() < until) {
    long due = (long)((now_us() - begun) / 1e6 * rate);
    for (; sent < due; sent++) {
      uint8_t packet[512];
      if (raw < 0) {
        if (!dial(&to)) break;
        continue;
      }
      size_t length = syn ? make_syn(packet, to.sin_addr, atoi(argv[3])) : make_stun(packet, to.sin_addr, atoi(argv[3]), argv[6]);
      sendto(raw, packet, length, 0, (struct sockaddr *)&to, sizeof to);
    }
    if (raw < 0) attend(words, size, 2);
    else usleep(1000);
  }
  printf("{\"sent\":%ld,\"answered\":%ld,\"refused\":%ld}\n", sent, answered, refused);
  return 0;
}
