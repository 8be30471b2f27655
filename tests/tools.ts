/**
 * The programs that tests need beside the packages, where they are, and what installs them.
 *
 * A test calls `need("chromium")`; when it is missing the test fails with the command to type.
 *
 * @module
 */

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

interface Tool {
  /** Names of the program, or absolute paths of a file that proves it is there. */
  readonly names: readonly string[];
  /** Debian's package. */
  readonly debian: string;
}

export type ToolName =
  | "chromium"
  | "firefox"
  | "ffmpeg"
  | "ffprobe"
  | "gst-launch-1.0"
  | "gstreamer base"
  | "gstreamer flv"
  | "gstreamer rtmp"
  | "gstreamer de265"
  | "gstreamer dtls"
  | "gstreamer faad"
  | "gstreamer level"
  | "gstreamer mpegtsdemux"
  | "gstreamer nice"
  | "gstreamer openh264"
  | "gstreamer rtp"
  | "gstreamer srtp"
  | "gstreamer voaacenc"
  | "gstreamer vpx"
  | "gstreamer webrtc"
  | "gstreamer x264"
  | "openssl"
  | "gcc"
  | "make"
  | "curl"
  | "ip"
  | "ss"
  | "nft"
  | "ps"
  | "unshare"
  | "python3"
  | "python3 gi"
  | "python3 GstWebRTC"
  | "haproxy"
  | "nginx"
  | "nginx stream"
  | "squid"
  | "squid basic_fake_auth"
  | "squid ssl_bump"
  | "pebble"
  | "pebble-challtestsrv"
  | "libc headers"
  | "openssl headers"
  | "libsrtp2 headers";

const tools: Readonly<Record<ToolName, Tool>> = {
  chromium: { names: ["chromium", "chromium-browser", "google-chrome"], debian: "chromium" },
  firefox: { names: ["firefox-esr", "firefox"], debian: "firefox-esr" },
  ffmpeg: { names: ["ffmpeg"], debian: "ffmpeg" },
  ffprobe: { names: ["ffprobe"], debian: "ffmpeg" },
  "gst-launch-1.0": { names: ["gst-launch-1.0"], debian: "gstreamer1.0-tools" },
  "gstreamer base": gstreamerPlugin("videotestsrc", "plugins-base"),
  "gstreamer flv": gstreamerPlugin("flv", "plugins-good"),
  "gstreamer rtmp": gstreamerPlugin("rtmp2", "plugins-bad"),
  "gstreamer de265": gstreamerPlugin("de265", "plugins-bad"),
  "gstreamer dtls": gstreamerPlugin("dtls", "plugins-bad"),
  "gstreamer faad": gstreamerPlugin("faad", "plugins-bad"),
  "gstreamer level": gstreamerPlugin("level", "plugins-good"),
  "gstreamer mpegtsdemux": gstreamerPlugin("mpegtsdemux", "plugins-bad"),
  "gstreamer nice": gstreamerPlugin("nice", "nice"),
  "gstreamer openh264": gstreamerPlugin("openh264", "plugins-bad"),
  "gstreamer rtp": gstreamerPlugin("rtp", "plugins-good"),
  "gstreamer srtp": gstreamerPlugin("srtp", "plugins-bad"),
  "gstreamer voaacenc": gstreamerPlugin("voaacenc", "plugins-bad"),
  "gstreamer vpx": gstreamerPlugin("vpx", "plugins-good"),
  "gstreamer webrtc": gstreamerPlugin("webrtc", "plugins-bad"),
  "gstreamer x264": gstreamerPlugin("x264", "plugins-ugly"),
  openssl: { names: ["openssl"], debian: "openssl" },
  gcc: { names: ["gcc"], debian: "gcc" },
  make: { names: ["make"], debian: "make" },
  curl: { names: ["curl"], debian: "curl" },
  ip: { names: ["ip", "/usr/sbin/ip", "/sbin/ip"], debian: "iproute2" },
  ss: { names: ["ss", "/usr/sbin/ss", "/usr/bin/ss"], debian: "iproute2" },
  nft: { names: ["nft", "/usr/sbin/nft"], debian: "nftables" },
  unshare: { names: ["unshare"], debian: "util-linux" },
  ps: { names: ["ps"], debian: "procps" },
  python3: { names: ["python3"], debian: "python3" },
  "python3 gi": {
    names: ["/usr/lib/python3/dist-packages/gi/__init__.py"],
    debian: "python3-gi",
  },
  "python3 GstWebRTC": {
    names: libraries("girepository-1.0/GstWebRTC-1.0.typelib"),
    debian: "gir1.2-gst-plugins-bad-1.0",
  },
  haproxy: { names: ["haproxy", "/usr/sbin/haproxy"], debian: "haproxy" },
  nginx: { names: ["nginx", "/usr/sbin/nginx"], debian: "nginx-light" },
  "nginx stream": {
    names: ["/usr/lib/nginx/modules/ngx_stream_module.so"],
    debian: "libnginx-mod-stream",
  },
  squid: { names: ["squid", "/usr/sbin/squid"], debian: "squid-openssl" },
  "squid basic_fake_auth": { names: ["/usr/lib/squid/basic_fake_auth"], debian: "squid-openssl" },
  // Debian's plain squid knows no ssl_bump, and does not have this.
  "squid ssl_bump": { names: ["/usr/lib/squid/security_file_certgen"], debian: "squid-openssl" },
  pebble: { names: ["pebble"], debian: "pebble" },
  "pebble-challtestsrv": { names: ["pebble-challtestsrv"], debian: "pebble" },
  "libc headers": { names: ["/usr/include/stdio.h"], debian: "libc6-dev" },
  "openssl headers": { names: ["/usr/include/openssl/ssl.h"], debian: "libssl-dev" },
  "libsrtp2 headers": { names: ["/usr/include/srtp2/srtp.h"], debian: "libsrtp2-dev" },
};

function gstreamerPlugin(name: string, set: string): Tool {
  return { names: libraries(`gstreamer-1.0/libgst${name}.so`), debian: `gstreamer1.0-${set}` };
}

function libraries(file: string): string[] {
  return ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((folder) => `/usr/lib/${folder}/${file}`);
}

/** The folder package.json is in, also when this file runs from build/. */
export const repository: string = findRepository(dirname(fileURLToPath(import.meta.url)));

/** The path of a tool; throws an error that says how to install it. */
export function need(name: ToolName): string {
  const path = findTool(name);
  if (path === undefined) {
    throw new Error(`${name} is missing: apt-get install -y ${tools[name].debian}`);
  }
  return path;
}

/** Debian packages of the tools that are not there. */
export function missingPackages(): string[] {
  const missing = new Set<string>();
  for (const name of Object.keys(tools) as ToolName[]) {
    if (findTool(name) === undefined) missing.add(tools[name].debian);
  }
  return [...missing];
}

function findTool(name: ToolName): string | undefined {
  for (const candidate of tools[name].names) {
    const path = candidate.startsWith("/") ? existing(candidate) : findProgram(candidate);
    if (path !== undefined) return path;
  }
  return undefined;
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

/** Looks a program up in PATH, past node_modules/.bin, which npm puts first. */
export function findProgram(name: string): string | undefined {
  return findPrograms(name)[0];
}

export function findPrograms(name: string): string[] {
  const found: string[] = [];
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (folder === "" || folder.includes("node_modules")) continue;
    const path = join(folder, name);
    if (isExecutable(path)) found.push(path);
  }
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function findRepository(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (dirname(folder) === folder) throw new Error(`no package.json above ${from}`);
  }
}
