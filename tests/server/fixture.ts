/** A whole server in the test's own process, and what clients say to it. @module */
import { connect, type Socket } from "node:net";
import { loadRuntime } from "../../runtime/mod.ts";
import { parseConfig } from "../../server/config/config.ts";
import { type Monoport, type ServeOptions, serve } from "../../server/monoport.ts";

export interface Running {
  readonly url: string;
  readonly port: number;
  readonly monoport: Monoport;
}

/** Starts a server on a free loopback port, without the demo stream. */
export async function start(
  args: readonly string[] = [],
  { onLine, ...more }: Partial<ServeOptions> & { readonly onLine?: (line: string) => void } = {},
): Promise<Running> {
  const real = await loadRuntime();
  const runtime = onLine === undefined ? real : { ...real, print: onLine };
  const quiet = ["--log.level", "error", "--demo", "off"];
  const { config } = parseConfig({}, ["--listen", "127.0.0.1:0", ...quiet, ...args]);
  const monoport = await serve({ runtime, config, ...more });
  const port = monoport.endpoints[0]?.port ?? 0;
  return { url: `http://127.0.0.1:${port}`, port, monoport };
}

export function post(
  url: string,
  sdp: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/sdp", ...headers },
    body: sdp,
  });
}

/** A request as written, on a connection of its own; everything that comes back until it ends. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket: Socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

/** The status of a raw HTTP request that asks to close. */
export async function rawStatus(
  port: number,
  method: string,
  path: string,
  fields: string,
): Promise<number> {
  const answer = await raw(
    port,
    `${method} ${path} HTTP/1.1\r\n${fields}connection: close\r\n\r\n`,
  );
  return Number(answer.split(" ")[1]);
}
