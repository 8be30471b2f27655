import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CandidateFinder,
  type CandidateRequest,
} from "../../../server/candidates/candidate_finder.ts";
import { Names } from "../../../server/candidates/names.ts";
import { parseConfig } from "../../../server/config/config.ts";

const HOSTS: Readonly<Record<string, readonly string[]>> = {
  "media.example": ["203.0.113.5", "2001:db8::5"],
  "db.internal": ["10.1.2.3"],
  "self.internal": ["10.0.0.2"],
  "loop.example": ["127.0.0.1", "::1"],
};
const FROM_OUTSIDE: CandidateRequest = {
  query: [],
  host: "media.example:8080",
  port: 8080,
  local: { host: "10.0.0.2", port: 8080 },
  address: "192.0.2.77",
  proxied: false,
};

interface Place {
  readonly args?: readonly string[];
  readonly request?: Partial<CandidateRequest>;
  readonly udpPort?: number;
}

async function find({ args = [], request = {}, udpPort }: Place): Promise<[string[], string[]]> {
  const names = new Names({
    now: () => 0,
    wakeAt: () => ({ [Symbol.dispose]: () => {} }),
    resolve: async (name) => {
      const found = HOSTS[name];
      if (found === undefined) throw new Error("ENOTFOUND");
      return found;
    },
  });
  const finder = new CandidateFinder({
    config: parseConfig({}, args).config,
    names,
    interfaces: () => [{ name: "eth0", address: "10.0.0.2", family: "ipv4", internal: false }],
    ports: () => [8080],
    udpPort: () => udpPort,
  });
  const { tcp, udp } = await finder.find({ ...FROM_OUTSIDE, ...request });
  const show = (one: { host: string; port: number }): string => `${one.host}|${one.port}`;
  return [tcp.map(show), udp.map(show)];
}

const tcp = async (place: Place): Promise<string[]> => (await find(place))[0];

test("a name in Host is offered as its addresses (rtc_server.resolve_api_domain)", async () => {
  assert.deepEqual(await tcp({}), ["203.0.113.5|8080", "2001:db8::5|8080"]);
  const args = ["--rtc_server.resolve_api_domain", "off"];
  assert.deepEqual(await tcp({ args }), ["10.0.0.2|8080"]);
  assert.deepEqual(await tcp({ args: ["--rtc_server.api_as_candidates", "off"] }), [
    "10.0.0.2|8080",
  ]);
});

test("a name is kept beside them for clients that resolve it (rtc_server.keep_api_domain)", async () => {
  const args = ["--rtc_server.keep_api_domain", "on"];
  assert.deepEqual(await tcp({ args }), [
    "203.0.113.5|8080",
    "2001:db8::5|8080",
    "media.example|8080",
  ]);
  assert.deepEqual(await tcp({ args: [...args, "--rtc_server.resolve_api_domain", "off"] }), [
    "media.example|8080",
  ]);
});

test("docker run -p 443:8080 needs no setting: the port in Host is offered, for UDP too", async () => {
  const request = { host: "media.example", port: 443, local: { host: "172.17.0.2", port: 8080 } };
  const mapped = ["203.0.113.5|443", "203.0.113.5|8080", "2001:db8::5|443", "2001:db8::5|8080"];
  assert.deepEqual(await find({ request, udpPort: 8080 }), [mapped, mapped]);
  const own = ["203.0.113.5|8000", "2001:db8::5|8000"];
  assert.deepEqual(await find({ request, udpPort: 8000 }), [mapped, own]);
});

test("a balancer's port, told by PROXY, is offered for TCP alone", async () => {
  const request = { local: { host: "203.0.113.5", port: 443 }, port: 443, host: "203.0.113.5" };
  const [overTcp, overUdp] = await find({ request, udpPort: 8080 });
  assert.deepEqual(overTcp, ["203.0.113.5|443"]);
  assert.deepEqual(overUdp.slice(0, 1), ["203.0.113.5|8080"]);
  // Without a Host that tells, the header's destination does.
  assert.deepEqual(await tcp({ request: { ...request, host: "" } }), ["203.0.113.5|443"]);
});

test("names in the setting are resolved, several and with ports; one that fails is left out", async () => {
  const candidate = "gone.example, media.example:443 198.51.100.7";
  assert.deepEqual(await tcp({ args: ["--candidate", candidate], request: { host: "" } }), [
    "203.0.113.5|443",
    "2001:db8::5|443",
    "198.51.100.7|8080",
  ]);
  assert.deepEqual(await tcp({ args: ["--candidate", "gone.example"] }), [
    "203.0.113.5|8080",
    "2001:db8::5|8080",
  ]);
});

test("what a private network calls its machines is not told to those outside", async () => {
  assert.deepEqual(await tcp({ request: { host: "db.internal:8080" } }), ["10.0.0.2|8080"]);
  assert.deepEqual(await tcp({ request: { query: ["db.internal"] } }), ["db.internal|8080"]);
  const address = "10.0.0.77";
  assert.deepEqual(await tcp({ request: { host: "db.internal:8080", address } }), [
    "10.1.2.3|8080",
    "10.0.0.2|8080",
  ]);
  assert.deepEqual(await tcp({ request: { host: "self.internal:8080" } }), ["10.0.0.2|8080"]);
  assert.deepEqual(await tcp({ request: { host: "loop.example:8080", address } }), [
    "10.0.0.2|8080",
  ]);
});

test("without WebRTC over TCP there are no TCP candidates", async () => {
  const args = ["--rtc_server.tcp.enabled", "off"];
  assert.deepEqual((await find({ args, udpPort: 8080 }))[0], []);
});
