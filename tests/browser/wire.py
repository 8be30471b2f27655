#!/usr/bin/env python3
"""A wire between two network namespaces that delays, loses and limits, for kernels without netem.

wire.py NAMESPACE_A NAMESPACE_B: each gets a TAP device wan0, 10.98.0.1/24 and 10.98.0.2/24.
Prints "ready". A line "DELAY REORDER LOSS KBIT" on standard input sets milliseconds each way, per
cent of frames held back by up to 20 ms more, per cent of frames lost, and kbit/s each way (0: no
limit, 300 ms of it are buffered); answered by the counts since the last such line, "FORWARDED LOST
DROPPED". Ends with standard input; the devices vanish with it.
"""
import fcntl, heapq, os, random, select, struct, subprocess, sys, time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
BUFFER_SECONDS = 0.3
HELD_MILLIS = 20


def tap(name, namespace, address):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    for command in (
        f"ip link set {name} netns {namespace}",
        f"ip -n {namespace} link set {name} name wan0",
        f"ip -n {namespace} addr add {address}/24 dev wan0",
        # No link-local address: the end of its duplicate detection would be a change of network.
        f"ip -n {namespace} link set wan0 addrgenmode none",
        f"ip -n {namespace} link set wan0 up",
    ):
        subprocess.run(command.split(), check=True)
    return device


def main():
    pid = os.getpid() % 100000
    devices = [tap(f"mpa{pid}", sys.argv[1], "10.98.0.1"), tap(f"mpb{pid}", sys.argv[2], "10.98.0.2")]
    delay = reorder = loss = kbit = 0.0
    forwarded = lost = dropped = order = 0
    busy = [0.0, 0.0]
    waiting = []
    random.seed(1)
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        pause = max(0.0, waiting[0][0] - now) if waiting else 1.0
        ready = select.select(devices + [0], [], [], pause)[0]
        now = time.monotonic()
        if 0 in ready:
            line = os.read(0, 4096).decode()
            if line == "":
                return
            delay, reorder, loss, kbit = (float(word) for word in line.splitlines()[-1].split())
            print(forwarded, lost, dropped, flush=True)
            forwarded = lost = dropped = 0
        for side, device in enumerate(devices):
            if device not in ready:
                continue
            for _ in range(64):
                try:
                    frame = os.read(device, 65536)
                except BlockingIOError:
                    break
                if random.random() * 100 < loss:
                    lost += 1
                    continue
                at = now
                if kbit:
                    if busy[side] - now > BUFFER_SECONDS:
                        dropped += 1
                        continue
                    at = busy[side] = max(busy[side], now) + len(frame) / (kbit * 125)
                order += 1
                held = random.uniform(0, HELD_MILLIS) if random.random() * 100 < reorder else 0
                at += (delay + held) / 1000
                heapq.heappush(waiting, (at, order, 1 - side, frame))
        while waiting and waiting[0][0] <= now:
            _, _, side, frame = heapq.heappop(waiting)
            try:
                os.write(devices[side], frame)
                forwarded += 1
            except OSError:
                dropped += 1


main()
