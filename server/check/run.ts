/** All that is tried, in order; later things lean on earlier ones. @module */
import type { Millis, Runtime } from "../../core/base/mod.ts";
import { isAddress } from "../candidates/candidates.ts";
import { words } from "../relay/http_answer.ts";
import type { CheckOptions } from "./arguments.ts";
import { tlsLine } from "./certificate.ts";
import { ask, connectTls, type Target } from "./http.ts";
import { hostAndPort, inMillis, type Line, line } from "./line.ts";
import { mediaLine } from "./media.ts";
import { closeSession, openSession } from "./session.ts";
import { askTcp, bareRequest, errorOf } from "./stun.ts";

const SLOW_MILLIS: Millis = 1_000;

export interface CheckReport {
  readonly lines: readonly Line[];
  /** 0 all passes, 1 usable with limits, 2 not usable. */
  readonly exitCode: 0 | 1 | 2;
}

export async function runCheck(
  runtime: Runtime,
  options: CheckOptions,
  onLine: (line: Line) => void = () => {},
): Promise<CheckReport> {
  const lines: Line[] = [];
  const tell = (one: Line): Line => {
    lines.push(one);
    onLine(one);
    return one;
  };
  const media = await checkAll(runtime, options, tell);
  const flawless = lines.every(({ verdict }) => verdict === "passes" || verdict === "not offered");
  return { lines, exitCode: media ? (flawless ? 0 : 1) : 2 };
}

/** Whether media passes over any transport. */
async function checkAll(
  runtime: Runtime,
  options: CheckOptions,
  tell: (line: Line) => Line,
): Promise<boolean> {
  const found = await checkTcp(runtime, options);
  tell(found.line);
  if (found.address === undefined) return false;
  const target: Target = { runtime, options, address: found.address };
  const secure = await checkTls(target, tell);
  const http = tell(await httpLine(target, secure));
  const stun = tell(await stunLine(target));
  if (http.verdict === "blocked") return false;
  tell(await whipLine(target, secure));
  const session = await openSession(target, secure);
  if ("status" in session) {
    tell(sessionRefused(session.status, session.words));
    return stun.verdict === "passes";
  }
  const many = session.candidates.length;
  tell(line("WHEP", "passes", `${options.whep}, ${many} candidate${many === 1 ? "" : "s"}`));
  try {
    const tried = await Promise.all([
      mediaLine(target, session, "tcp"),
      mediaLine(target, session, "udp"),
    ]);
    return tried.map(tell).some(({ verdict }) => verdict === "passes");
  } finally {
    await closeSession(target, secure, session);
  }
}

async function checkTcp(
  runtime: Runtime,
  { host, port, timeoutMillis }: CheckOptions,
): Promise<{ readonly line: Line; readonly address: string | undefined }> {
  const at = hostAndPort(host, port);
  let failure = "the name has no address";
  try {
    const addresses = isAddress(host) ? [host] : await runtime.resolve(host);
    for (const address of addresses) {
      const begun = runtime.now();
      try {
        const conn = await runtime.connect({ host: address, port }, { timeoutMillis });
        const millis = runtime.now() - begun;
        conn.destroy();
        const facts = `${hostAndPort(address, port)} in ${inMillis(millis)}`;
        const slow = millis > SLOW_MILLIS;
        const advice = slow ? "The way is long or congested." : "";
        return { line: line("TCP", slow ? "slow" : "passes", facts, advice), address };
      } catch (error) {
        failure = words(error);
      }
    }
  } catch (error) {
    failure = words(error);
  }
  const advice =
    "Nothing listens there, or a firewall is in the way: is the server running, is the port open and mapped (docker run -p)?";
  return { line: line("TCP", "blocked", `${at} (${failure})`, advice), address: undefined };
}

/** Whether HTTP is to go through TLS. */
async function checkTls(target: Target, tell: (line: Line) => Line): Promise<boolean> {
  const { runtime, options } = target;
  if (options.scheme === "http") return false;
  const made = await connectTls(target);
  if (typeof made === "string") {
    const wanted = options.scheme === "https";
    const advice = wanted ? "The server speaks no TLS here, or its handshake fails." : "";
    tell(line("TLS", wanted ? "blocked" : "not offered", wanted ? made : "", advice));
    return wanted;
  }
  made.conn.destroy();
  tell(await tlsLine(made.peer, options.host, runtime.wallClock()));
  return true;
}

async function httpLine(target: Target, secure: boolean): Promise<Line> {
  const health = await ask(target, secure, { method: "GET", path: "/healthz" });
  if (typeof health === "string") {
    const advice =
      "The port is open and does not answer HTTP: it belongs to another program, or a firewall lets connections through and no data.";
    return line("HTTP", "blocked", health, advice);
  }
  const { answer, millis } = health;
  const software = await versionOf(target, secure);
  const named = software || answer.field("server") || "an unnamed server";
  const facts = `${named} answers /healthz ${answer.status} in ${inMillis(millis)}`;
  if (answer.status === 503)
    return line("HTTP", "limited", facts, "The server, or the balancer before it, is not ready.");
  if (millis > SLOW_MILLIS) return line("HTTP", "slow", facts, "The server or the way is slow.");
  return line("HTTP", "passes", facts);
}

/** Monoport and SRS tell; empty for others. */
async function versionOf(target: Target, secure: boolean): Promise<string> {
  const asked = await ask(target, secure, { method: "GET", path: "/api/v1/versions" });
  if (typeof asked === "string" || asked.answer.status !== 200) return "";
  try {
    const { data } = JSON.parse(asked.answer.body) as {
      data?: { version?: unknown; compatible?: unknown };
    };
    if (typeof data?.version !== "string") return "";
    return `${data.compatible === undefined ? "SRS" : "Monoport"} ${data.version}`;
  } catch {
    return "";
  }
}

async function whipLine(target: Target, secure: boolean): Promise<Line> {
  const path = target.options.whip;
  const asked = await ask(target, secure, { method: "OPTIONS", path });
  if (typeof asked === "string") return line("WHIP", "blocked", asked, "OPTIONS got no answer.");
  const { status } = asked.answer;
  const facts = `OPTIONS ${path} is ${status}`;
  if (status >= 200 && status < 300) return line("WHIP", "passes", facts);
  return line("WHIP", "not offered", facts, "Another server may take it elsewhere: --whip PATH.");
}

/** Without credentials Monoport answers 400, as RFC 8489 §9.1.3 says; over UDP it says nothing. */
async function stunLine({ runtime, options, address }: Target): Promise<Line> {
  const { port, timeoutMillis } = options;
  const request = bareRequest(runtime);
  const answer = await askTcp(runtime, { host: address, port }, request, timeoutMillis);
  const title = "STUN over TCP";
  if ("message" in answer) {
    const said = errorOf(answer.message) || "an answer";
    return line(title, "passes", `${said} in ${inMillis(answer.millis)}`);
  }
  if (answer.why === "http") {
    const advice =
      "Something that speaks HTTP stands before the server, and raw media cannot pass it on this port.";
    return line(title, "blocked", answer.words, advice);
  }
  return line(title, "not offered", answer.words);
}

function sessionRefused(status: number, said: string): Line {
  const facts = status === 0 ? said : `POST is ${status}${said === "" ? "" : `: ${said}`}`;
  if (status === 401 || status === 403)
    return line(
      "WHEP",
      "limited",
      facts,
      "Give --token TOKEN: UDP is tried within a session only.",
    );
  if (status === 503 || status === 429) return line("WHEP", "limited", facts, "Try again later.");
  if (status === 0) return line("WHEP", "blocked", facts, "The offer got no answer.");
  const advice =
    "Another server may take it elsewhere: --whep PATH. UDP is tried within a session only.";
  return line("WHEP", "not offered", facts, advice);
}
