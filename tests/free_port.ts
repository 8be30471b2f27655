/**
 * Ports of the loopback address that nobody listens on, for TCP and UDP alike.
 *
 * @module
 */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";

/**
 * Below the ports that systems choose themselves (32768 and up on Linux): between this answer and
 * the bind of who asked, no other test's connection or `listen(0)` takes one of these.
 */
const FIRST = 10_000;
const COUNT = 22_000;
/** Processes that run at the same time have their own: their numbers are near each other. */
const EACH = 64;

let asked = 0;

export async function freePort(host: string = "127.0.0.1"): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = FIRST + ((process.pid * EACH + asked++) % COUNT);
    if ((await tcpIsFree(host, port)) && (await udpIsFree(host, port))) return port;
  }
  throw new Error(`no port of ${host} is free for both TCP and UDP`);
}

async function tcpIsFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  const free = new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, host, () => resolve(true));
  });
  if (!(await free)) return false;
  server.close();
  await once(server, "close");
  return true;
}

function udpIsFree(host: string, port: number): Promise<boolean> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve) => {
    socket.once("error", () => resolve(false));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
}
