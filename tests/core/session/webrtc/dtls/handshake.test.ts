import assert from "node:assert/strict";
import { test } from "node:test";
import { drainEvents, exchange, makePair } from "./peers.ts";

test("a handshake over TCP gives both sides the same SRTP keys, crossed over", () => {
  const pair = makePair();
  pair.client.start(0);
  exchange(pair);
  const [client] = drainEvents(pair.client);
  const [server] = drainEvents(pair.server);
  assert.equal(client?.type, "connected");
  assert.equal(server?.type, "connected");
  assert.ok(client?.type === "connected" && server?.type === "connected");
  assert.deepEqual(client.localKeys, server.remoteKeys);
  assert.deepEqual(client.remoteKeys, server.localKeys);
  assert.notDeepEqual(client.localKeys, client.remoteKeys);
});
