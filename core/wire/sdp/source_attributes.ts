/** `a=ssrc`, `a=ssrc-group`, `a=rid` and `a=simulcast`. @module */
import type { Fault } from "../../base/mod.ts";
import { BAD_RID, BAD_SIMULCAST, BAD_SSRC, BAD_SSRC_GROUP, TOO_MANY } from "./faults.ts";
import { fields, halves, integer } from "./grammar.ts";
import type { Section } from "./section.ts";

/** Sources, groups and rids taken per section. */
const MAX_SOURCES = 64;
const MAX_SSRC = 0xffff_ffff;

/**
 * rid-id of RFC 8851 §10, in the narrower form of RFC 8852 §3.1 that fits RTP; `-` and `_` as
 * browsers take them.
 */
const RID = /^[A-Za-z0-9_-]{1,255}$/;

/** `a=ssrc:SSRC ATTRIBUTE[:VALUE]` (RFC 5576 §4.1). */
export function ssrc(section: Section, value: string): Fault | undefined {
  const [ssrcText, attribute] = halves(value, " ");
  const ssrc = integer(ssrcText, MAX_SSRC);
  if (ssrc < 0) return BAD_SSRC;
  let source = section.sources.get(ssrc);
  if (source === undefined) {
    if (section.sources.size >= MAX_SOURCES) return TOO_MANY;
    source = { ssrc, cname: undefined, msid: undefined };
    section.sources.set(ssrc, source);
  }
  const [name, text] = halves(attribute, ":");
  if (name === "cname") source.cname = text;
  else if (name === "msid") source.msid = text;
  return undefined;
}

/** `a=ssrc-group:SEMANTICS SSRC ...` (RFC 5576 §4.2). */
export function ssrcGroup(section: Section, value: string): Fault | undefined {
  const [semantics, ...members] = fields(value);
  if (semantics === undefined) return BAD_SSRC_GROUP;
  if (section.sourceGroups.length >= MAX_SOURCES || members.length > MAX_SOURCES) return TOO_MANY;
  const ssrcs = members.map((member) => integer(member, MAX_SSRC));
  if (ssrcs.includes(-1)) return BAD_SSRC_GROUP;
  section.sourceGroups.push({ semantics, ssrcs });
  return undefined;
}

/** `a=rid:ID send|recv [RESTRICTIONS]` (RFC 8851 §10). */
export function rid(section: Section, value: string): Fault | undefined {
  const [id, direction, ...restrictions] = fields(value);
  if (id === undefined || !RID.test(id)) return BAD_RID;
  if (direction !== "send" && direction !== "recv") return BAD_RID;
  if (section.rids.length >= MAX_SOURCES) return TOO_MANY;
  section.rids.push({ id, direction, restrictions: restrictions.join(" ") });
  return undefined;
}

/** `a=simulcast:send 1,~4;2 recv 3` (RFC 8853 §5.1). */
export function simulcast(section: Section, value: string): Fault | undefined {
  const words = fields(value);
  if (words.length !== 2 && words.length !== 4) return BAD_SIMULCAST;
  const lists = { send: [] as readonly string[], recv: [] as readonly string[] };
  for (let i = 0; i < words.length; i += 2) {
    const way = words[i];
    if (way !== "send" && way !== "recv") return BAD_SIMULCAST;
    const streams = (words[i + 1] ?? "").split(";");
    if (streams.length > MAX_SOURCES) return TOO_MANY;
    if (!streams.every(isStream) || lists[way].length > 0) return BAD_SIMULCAST;
    lists[way] = streams;
  }
  section.simulcast = lists;
  return undefined;
}

function isStream(stream: string): boolean {
  return stream.split(",").every((one) => RID.test(one.startsWith("~") ? one.slice(1) : one));
}
