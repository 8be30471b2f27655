import assert from "node:assert/strict";
import { test } from "node:test";
import { MonoportError } from "../../../core/base/mod.ts";
import { describeSettings, parseConfig } from "../../../server/config/config.ts";
import { environmentName } from "../../../server/config/sources.ts";

test("without settings everything is on TCP 8080, with what SRS's image turns on", () => {
  const { config, warnings } = parseConfig({}, []);
  assert.deepEqual(config.listen, [{ port: 8080 }]);
  assert.equal(config["rtc_server.enabled"], true);
  assert.equal(config["http_api.enabled"], true);
  assert.equal(config["http_server.enabled"], true);
  assert.equal(config["vhost.rtc.stun_timeout"], 30_000);
  assert.deepEqual(config["rtc_server.candidate"], ["*"]);
  assert.deepEqual(warnings, []);
});

test("the command line wins over the environment, the environment over defaults", () => {
  const env = { SRS_RTC_SERVER_CANDIDATE: "192.0.2.1", MONOPORT_LISTEN: "9000" };
  assert.deepEqual(parseConfig(env, []).config.listen, [{ port: 9000 }]);
  const { config } = parseConfig(env, [
    "--listen",
    "127.0.0.1:9001",
    "--candidate=192.0.2.2:443 192.0.2.3",
  ]);
  assert.deepEqual(config.listen, [{ host: "127.0.0.1", port: 9001 }]);
  assert.deepEqual(config["rtc_server.candidate"], ["192.0.2.2:443", "192.0.2.3"]);
});

test("the environment of the article's first command is taken as it stands", () => {
  const { config, warnings } = parseConfig(
    {
      CANDIDATE: "192.168.3.82",
      SRS_HTTP_API_LISTEN: "8080",
      SRS_RTC_SERVER_TCP_ENABLED: "on",
      SRS_RTC_SERVER_TCP_LISTEN: "8080",
      SRS_RTC_SERVER_PROTOCOL: "tcp",
      PATH: "/bin",
    },
    [],
  );
  assert.deepEqual(config["rtc_server.candidate"], ["192.168.3.82"]);
  assert.deepEqual(config["rtc_server.tcp.listen"], [{ port: 8080 }]);
  assert.deepEqual(config["http_api.listen"], [{ port: 8080 }]);
  assert.deepEqual(warnings, []);
});

test("a candidate may name another variable, as in SRS's image; unset it means the interfaces", () => {
  const named = { SRS_RTC_SERVER_CANDIDATE: "$CANDIDATE" };
  assert.deepEqual(parseConfig(named, []).config["rtc_server.candidate"], ["*"]);
  const set = { ...named, CANDIDATE: "192.0.2.9" };
  assert.deepEqual(parseConfig(set, []).config["rtc_server.candidate"], ["192.0.2.9"]);
});

test("all errors come at once, each with key, source, value and what is allowed", () => {
  const message = failure({ SRS_RTC_SERVER_TCP_ENABLED: "true", MONOPORT_LIMITS_SESSIONS: "0" }, [
    "--listen",
    "99999",
    "--nonsense",
    "1",
    "--http_api.enable",
    "on",
  ]);
  const expected = [
    /^rtc_server\.tcp\.enabled \(environment SRS_RTC_SERVER_TCP_ENABLED\): .*"true".*allowed: on or off$/m,
    /^limits\.sessions \(environment MONOPORT_LIMITS_SESSIONS\): .*"0".*whole number from 1 to 1000000$/m,
    /^listen \(command line\): .*"99999".*\[host:\]port.*$/m,
    /"nonsense" \(command line\): no such setting/,
    /"http_api\.enable" .*did you mean http_api\.enabled/,
  ];
  for (const pattern of expected) assert.match(message, pattern);
});

test("with a wrong value, mistyped names in the environment are told as well", () => {
  const said = failure({ SRS_HTTP_API_LISTN: "1985" }, ["--listen", "x"]);
  assert.match(said, /^listen .*cannot be "x"/m);
  assert.match(said, /^SRS_HTTP_API_LISTN is no setting .*did you mean SRS_HTTP_API_LISTEN$/m);
});

test("a name that is off by a slip of the pen gets the right one, another word gets none", () => {
  const hint = (name: string): string =>
    /did you mean (\S+);/.exec(failure({}, [`--${name}`, "x"]))?.[1] ?? "";
  assert.equal(hint("lsiten"), "listen");
  assert.equal(hint("listn"), "listen");
  assert.equal(hint("dmeo"), "demo");
  assert.equal(hint("rtc_server.canddiate"), "rtc_server.candidate");
  assert.equal(hint("trusted_proxys"), "trusted_proxies");
  for (const word of ["lists", "lesson", "dog", "x", "domain"]) assert.equal(hint(word), "", word);
  const { warnings } = parseConfig({ MONOPORT_LOST: "1", SRS_LISTS: "1" }, []);
  assert.doesNotMatch(warnings.join(), /did you mean/);
});

test("WebRTC goes over UDP and TCP unless it is said otherwise, and by no other name", () => {
  assert.equal(parseConfig({}, []).config["rtc_server.protocol"], "all");
  for (const protocol of ["udp", "tcp", "all"]) {
    const { config, warnings } = parseConfig({ SRS_RTC_SERVER_PROTOCOL: protocol }, []);
    assert.equal(config["rtc_server.protocol"], protocol);
    assert.deepEqual(warnings, []);
  }
  assert.match(
    failure({ SRS_RTC_SERVER_PROTOCOL: "quic" }, []),
    /rtc_server\.protocol .*"quic".*udp, tcp or all/,
  );
});

test("a mistyped or idle setting of SRS is warned about, not fatal", () => {
  const { config, warnings } = parseConfig(
    {
      SRS_HTTP_SERVER_HTTTPS_ENABLED: "on",
      SRS_LISTEN: "1935",
      SRS_RTC_SERVER_TCP_ENABLE: "on",
      SRS_VHOST_DASH_ENABLED: "on",
      SRS_DAEMON: "off",
    },
    [],
  );
  assert.equal(config["http_server.https.enabled"], true);
  assert.deepEqual(config["rtmp.listen"], [{ port: 1935 }]);
  assert.equal(warnings.length, 3, warnings.join("\n"));
  assert.match(warnings.join("\n"), /HTTTPS_ENABLED is taken as SRS_HTTP_SERVER_HTTPS_ENABLED/);
  assert.match(
    warnings.join("\n"),
    /TCP_ENABLE is no setting.*did you mean SRS_RTC_SERVER_TCP_ENABLED/,
  );
  assert.match(warnings.join("\n"), /SRS_VHOST_DASH_ENABLED has no effect/);
});

test("SRS's bridges between RTMP and WebRTC are on, and can be turned off", () => {
  const bridges = (environment: Record<string, string>): boolean[] => {
    const { config, warnings } = parseConfig(environment, []);
    assert.deepEqual(warnings, []);
    return [config["vhost.rtc.rtc_to_rtmp"], config["vhost.rtc.rtmp_to_rtc"]];
  };
  assert.deepEqual(bridges({}), [true, true]);
  const both = { SRS_VHOST_RTC_RTC_TO_RTMP: "off", SRS_VHOST_RTC_RTMP_TO_RTC: "off" };
  assert.deepEqual(bridges(both), [false, false]);
});

test("endpoints are read in all their forms", () => {
  const at = (text: string): unknown => parseConfig({}, ["--listen", text]).config.listen;
  assert.deepEqual(at("[::1]:80"), [{ host: "::1", port: 80 }]);
  assert.deepEqual(at("0.0.0.0:80 [::]:81"), [{ host: "0.0.0.0", port: 80 }, { port: 81 }]);
  for (const wrong of ["", " ", "x", "1:2:3", "::1", "8080x", "-1"]) {
    assert.match(failure({}, ["--listen", wrong]), /listen \(command line\)/);
  }
});

test("every setting has a line of help, and a name in the environment that is its own", () => {
  const all = describeSettings();
  assert.equal(new Set(all.map((one) => one.env)).size, all.length);
  for (const one of all) assert.ok(one.help.length > 0, one.key);
  assert.equal(environmentName("rtc_server.tcp.listen"), "SRS_RTC_SERVER_TCP_LISTEN");
  assert.equal(environmentName("listen"), "MONOPORT_LISTEN");
});

function failure(env: Record<string, string>, args: string[]): string {
  try {
    parseConfig(env, args);
  } catch (error) {
    assert.ok(error instanceof MonoportError);
    assert.equal(error.code, "config-invalid");
    return error.message;
  }
  return assert.fail("the configuration was taken");
}
