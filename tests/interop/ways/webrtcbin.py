"""GStreamer's webrtcbin (libnice, OpenSSL, libsrtp) by WHIP and WHEP: `publish TRANSPORT CODEC URL...`,
`watch TRANSPORT SECONDS KINDS LIMIT URL` for so much of sound, of pictures or of both, in so many seconds.

It writes lines of JSON. A publisher says when all are connected, and leaves at SIGTERM; a viewer tells once what it saw.
"""
import array
import json
import math
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from urllib.parse import urljoin

import gi

for name in ("Gst", "GstController", "GstSdp", "GstWebRTC"):
    gi.require_version(name, "1.0")
from gi.repository import GLib, Gst, GstController, GstSdp, GstWebRTC  # noqa: E402

Gst.init(None)

# One slice to a picture: rtph264pay would put parameter sets before
# each, and rtph264depay take each for a picture.
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=300 key-int-max=50 threads=1"
    " ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency"
    " ! application/x-rtp,media=video,encoding-name=H264,payload=96",
    "vp8": "vp8enc deadline=1 cpu-used=8 target-bitrate=300000 keyframe-max-dist=50 ! rtpvp8pay"
    " ! application/x-rtp,media=video,encoding-name=VP8,payload=96",
}
PICTURE = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1 ! videobalance name=flash"
SOUND = (
    "audiotestsrc is-live=true freq=1000 samplesperbuffer=480 name=beep ! audio/x-raw,rate=48000,channels=2"
    " ! opusenc ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111"
)
SECONDS = 120

DECODERS = {
    "H264": "rtph264depay ! h264parse ! openh264dec",
    "H265": "rtph265depay ! h265parse ! libde265dec",
    "VP8": "rtpvp8depay ! vp8dec",
    "VP9": "rtpvp9depay ! vp9dec",
    "OPUS": "rtpopusdepay ! opusdec",
}
VIDEO_CAPS = ";".join(
    f"application/x-rtp,media=video,clock-rate=90000,encoding-name={caps}"
    for caps in (
        "H264,payload=96,packetization-mode=(string)1,profile-level-id=(string)42e01f",
        "H265,payload=97",
        "VP8,payload=98",
        "VP9,payload=99",
    )
)
AUDIO_CAPS = "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,encoding-params=(string)2,payload=111"
RATE = 8000
SLICE = 40  # samples, 5 ms

loop = GLib.MainLoop()


def tell(line):
    print(json.dumps(line), flush=True)


class Session:
    """One webrtcbin and its session at a server."""

    def __init__(self, webrtc, url, transport, connected, failed):
        self.webrtc, self.url, self.transport = webrtc, url, transport
        self.connected, self.failed = connected, failed
        self.location = None
        self.posted = False
        self.promises = []
        self.ice = webrtc.get_property("ice-agent")  # its reference floats, and Python takes it
        nice = self.ice.get_property("agent")
        for name, value in (("ice-udp", transport == "udp"), ("ice-tcp", transport == "tcp"), ("upnp", False)):
            nice.set_property(name, value)
        webrtc.connect("on-negotiation-needed", lambda _: self.call("create-offer", None, done=self.offered))
        webrtc.connect("notify::ice-gathering-state", self.gathered)
        webrtc.connect("notify::connection-state", self.changed)

    def call(self, name, *args, done=None):
        promise = Gst.Promise.new_with_change_func(done) if done else Gst.Promise.new()
        self.promises.append(promise)  # Python would free it too early
        self.webrtc.emit(name, *args, promise)

    def offered(self, promise, *_):
        self.reply = promise.get_reply()  # the offer is a part of it
        self.offer = self.reply.get_value("offer")
        self.call("set-local-description", self.offer)

    def gathered(self, webrtc, _):
        if webrtc.get_property("ice-gathering-state").value_nick == "complete":
            GLib.idle_add(self.post)

    def post(self):
        if self.posted:
            return
        self.posted = True
        offer = self.webrtc.get_property("local-description").sdp.as_text()
        headers = {"content-type": "application/sdp"}
        request = urllib.request.Request(self.url, data=offer.encode(), headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                self.location = urljoin(self.url, response.headers["location"])
                answer = response.read().decode()
        except urllib.error.HTTPError as error:
            return self.failed(f"{error.code} {error.read().decode()}")
        except OSError as error:
            return self.failed(str(error))
        other = "udp" if self.transport == "tcp" else "tcp"
        answer = re.sub(rf"(?im)^a=candidate:\S+ \d {other} .*\r\n", "", answer)
        _, sdp = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.call("set-remote-description", description)

    def changed(self, webrtc, _):
        state = webrtc.get_property("connection-state").value_nick
        if state == "connected":
            GLib.idle_add(self.connected)
        elif state == "failed":
            GLib.idle_add(self.failed, "the connection failed")

    def leave(self):
        if self.location is None:
            return
        request = urllib.request.Request(self.location, method="DELETE")
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except OSError as error:
            print(error, file=sys.stderr)


def run(pipeline, failed):
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", lambda _, message: failed(str(message.parse_error())))
    # Without it rtpsession does not know when packets belong, and its sender reports run twice as fast.
    bus.connect("message::latency", lambda *_: pipeline.recalculate_latency())
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()


def each_second(element, name, on, off):
    """A property that is `on` for the first 0.2 s of each second; values from 0 to 1, of its range."""
    source = GstController.InterpolationControlSource()
    source.set_property("mode", GstController.InterpolationMode.NONE)
    for second in range(SECONDS + 10):
        source.set(second * Gst.SECOND, on)
        source.set(second * Gst.SECOND + Gst.SECOND // 5, off)
    element.add_control_binding(GstController.DirectControlBinding.new(element, name, source))


def publish(transport, codec, urls):
    bins = "".join(
        f" webrtcbin name=w{i} bundle-policy=max-bundle v. ! queue ! w{i}. a. ! queue ! w{i}."
        for i in range(len(urls))
    )
    pipeline = Gst.parse_launch(f"{PICTURE} ! {ENCODERS[codec]} ! tee name=v {SOUND} ! tee name=a{bins}")
    each_second(pipeline.get_by_name("flash"), "brightness", 1, 0.5)
    each_second(pipeline.get_by_name("beep"), "volume", 0.4, 0)
    left = len(urls)

    def connected():
        nonlocal left
        left -= 1
        if left == 0:
            tell({"connected": True})

    def failed(why):
        tell({"failed": why})
        loop.quit()

    sessions = []
    for i, url in enumerate(urls):
        webrtc = pipeline.get_by_name(f"w{i}")
        for line in range(2):
            transceiver = webrtc.emit("get-transceiver", line)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        sessions.append(Session(webrtc, url, transport, connected, failed))
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    GLib.timeout_add_seconds(SECONDS, loop.quit)
    run(pipeline, failed)
    for session in sessions:
        session.leave()
    os._exit(0)  # to take a pipeline down may hang


def watch(transport, seconds, wanted, limit, url):
    seen = {"video": None, "audio": None, "pictures": [], "sounds": [], "rate": RATE, "complaints": []}
    before = 0
    pipeline = Gst.Pipeline.new()
    webrtc = Gst.ElementFactory.make("webrtcbin")
    webrtc.set_property("bundle-policy", "max-bundle")
    pipeline.add(webrtc)

    def finish(why=None):
        if why is not None:
            seen["complaints"].append(why)
        loop.quit()

    def picture(_, buffer, __):
        pixels = buffer.extract_dup(0, buffer.get_size())
        seen["pictures"].append((buffer.pts / Gst.SECOND, sum(pixels) / len(pixels)))

    def sound(_, buffer, __):
        nonlocal before
        samples = array.array("h", buffer.extract_dup(0, buffer.get_size()))
        for at in range(0, len(samples), SLICE):
            piece = samples[at : at + SLICE]
            power = sum(sample * sample for sample in piece) / len(piece) / 32768**2
            crossings = sum((a < 0) != (b < 0) for a, b in zip([before, *piece], piece))
            before = piece[-1]
            level = 10 * math.log10(power) if power > 0 else -200
            seen["sounds"].append((buffer.pts / Gst.SECOND + at / RATE, level, crossings / len(piece)))

    def added(_, pad):
        caps = pad.get_current_caps() or pad.query_caps(None)
        codec = caps.get_structure(0).get_string("encoding-name")
        kind = "audio" if codec == "OPUS" else "video"
        seen[kind] = codec
        raw = (
            "audioconvert ! audioresample ! audio/x-raw,format=S16LE,channels=1,layout=interleaved,rate=%d" % RATE
            if kind == "audio"
            else "videoconvert ! videoscale ! video/x-raw,format=GRAY8,width=16,height=16"
        )
        sink = "fakesink name=sink sync=false async=false signal-handoffs=true"
        chain = Gst.parse_bin_from_description(f"queue ! {DECODERS[codec]} ! {raw} ! {sink}", True)
        chain.get_by_name("sink").connect("handoff", sound if kind == "audio" else picture)
        pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def look():
        for kind, name in (("video", "pictures"), ("audio", "sounds")):
            times = [time for time, *_ in seen[name]]
            if kind in wanted and (not times or times[-1] - times[0] < seconds):
                return True
        finish()
        return False

    for caps in (AUDIO_CAPS, VIDEO_CAPS):
        direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        webrtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
    webrtc.connect("pad-added", added)
    session = Session(webrtc, url, transport, lambda: None, finish)
    GLib.timeout_add_seconds(limit, finish, f"there was too little after {limit} s")
    if wanted:
        GLib.timeout_add(100, look)
    run(pipeline, finish)
    tell(seen)
    session.leave()
    os._exit(0)


mode, transport, *rest = sys.argv[1:]
if mode == "publish":
    publish(transport, rest[0], rest[1:])
else:
    seconds, kinds, limit, url = rest
    watch(transport, float(seconds), [kind for kind in kinds.split(",") if kind], int(limit), url)
