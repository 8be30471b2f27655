/**
 * A port of the loopback address that nobody listens on at this moment, for TCP and UDP alike.
 *
 * @module
 */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

export async function freePort(host: string = "127.0.0.1"): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const port = await freeTcpPort(host);
    if (await udpIsFree(host, port)) return port;
  }
  throw new Error(`no port of ${host} is free for both TCP and UDP`);
}

async function freeTcpPort(host: string): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}

function udpIsFree(host: string, port: number): Promise<boolean> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve) => {
    socket.once("error", () => resolve(false));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
}
