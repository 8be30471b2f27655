/** ICE restart of a session by PATCH (RFC 9725 §4.3.3): keys, tracks and codecs stay. @module */
import { patchIce } from "./exchange.ts";

/**
 * Renews the ICE credentials of both sides, and returns the answer with the server's new ones;
 * `narrowed` takes out the addresses that are not to be tried.
 * Rejects when the server does not restart; the connection is as it was then.
 */
export async function restartIce(
  pc: RTCPeerConnection,
  session: URL,
  answer: string,
  token: string,
  narrowed: (sdp: string) => string,
): Promise<string> {
  pc.restartIce();
  await pc.setLocalDescription();
  try {
    const fragment = await patchIce(session, fragmentOf(pc.localDescription?.sdp ?? ""), token);
    const renewed = narrowed(renew(answer, fragment));
    await pc.setRemoteDescription({ type: "answer", sdp: renewed });
    return renewed;
  } catch (error) {
    if (pc.signalingState === "have-local-offer")
      await pc.setLocalDescription({ type: "rollback" });
    throw error;
  }
}

/** The ICE part of an offer: that of its first section, which the others are bundled with. */
function fragmentOf(offer: string): string {
  const [session = "", first = ""] = offer.split(/(?=^m=)/m);
  const lines = (part: string, names: RegExp): string[] =>
    part.split("\r\n").filter((line) => names.test(line));
  return [
    ...lines(session, /^a=(ice-options|group):/),
    ...lines(first, /^(m=|a=(mid|ice-ufrag|ice-pwd|candidate):)/),
    "",
  ].join("\r\n");
}

/** The answer with the credentials and candidates of the server's fragment. */
function renew(answer: string, fragment: string): string {
  const value = (name: string): string =>
    new RegExp(`^a=${name}:(.*?)\r?$`, "m").exec(fragment)?.[1] ?? "";
  const candidates = fragment
    .split("\r\n")
    .filter((line) => /^a=(candidate:|end-of-candidates)/.test(line));
  const path = [...candidates, `a=ice-ufrag:${value("ice-ufrag")}`, ""].join("\r\n");
  return answer
    .replace(/^o=(\S+ \S+) (\d+)/m, (_, who, version) => `o=${who} ${Number(version) + 1}`)
    .replace(/^a=(candidate:.*|end-of-candidates)\r\n/gm, "")
    .replace(/^a=ice-ufrag:.*\r\n/gm, path)
    .replace(/^a=ice-pwd:.*/gm, `a=ice-pwd:${value("ice-pwd")}`);
}
