import assert from "node:assert/strict";
import { test } from "node:test";
import type { Admission } from "../../../server/admit.ts";
import { start } from "../fixture.ts";

test("clientip is an address, and of a call that a trusted proxy makes itself", async (t) => {
  const seen: string[] = [];
  const admit = ({ address }: Admission) => {
    seen.push(address);
    return { admitted: false, status: 403, reason: "seen" } as const;
  };
  const { url, monoport } = await start(["--trusted_proxies", "127.0.0.1"], { admit });
  t.after(() => monoport.close());
  const ask = async (clientip: string | null, headers: Record<string, string>): Promise<void> => {
    const body = JSON.stringify({ sdp: "v=0", streamurl: "webrtc://h/live/x", clientip });
    await (await fetch(`${url}/rtc/v1/publish/`, { method: "POST", body, headers })).text();
  };
  await ask("192.0.2.55", {});
  await ask("192.0.2.55", { "x-forwarded-for": "203.0.113.9" });
  await ask("192.0.2.55", { "x-real-ip": "203.0.113.9" });
  await ask("10.0.0.1 admin=1", {});
  await ask("192.0.2.55\r\nX: y", {});
  await ask(null, {});
  const direct = "127.0.0.1";
  const client = "203.0.113.9";
  assert.deepEqual(seen, ["192.0.2.55", client, client, direct, direct, direct]);
});
