/** TCP through node:net: Node's own way, the shim of Deno and Bun when TLS is on. @module */
import { connect, createServer, isIP, type Server, type Socket } from "node:net";
import { connect as connectSecure, rootCertificates, TLSSocket } from "node:tls";
import type {
  Conn,
  ConnectOptions,
  Endpoint,
  Listener,
  ListenOptions,
  TlsClientOptions,
  TlsPeer,
} from "../../core/base/io.ts";
import { handConn } from "./accept.ts";
import type { DescriptorWatch } from "./descriptors.ts";
import { asError, codeOf, endpoint, onHost, systemError } from "./endpoint.ts";
import { NetConn } from "./net_conn.ts";

const CONNECT_MILLIS = 10_000;

/** Connections that wait to be accepted in a burst; the kernel caps it (net.core.somaxconn). */
const BACKLOG = 4096;
const RESUME_ACCEPTING_MILLIS = 100;

/**
 * `watch` looks for a free descriptor after each accept. `acceptStalls`: Deno's node:net stops
 * accepting at the first EMFILE and does not say so.
 */
export function listenNet(
  options: ListenOptions,
  onConn: (conn: Conn) => void,
  watch: DescriptorWatch,
  acceptStalls: boolean,
): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (!watch.hasRoom()) socket.destroy();
    else accept(socket, options, onConn);
  });
  return onHost(options, async (host) => {
    await bind(server, options.port, host);
    server.on("error", (error) => options.onAcceptError?.(asError(error)));
    const resuming = acceptStalls ? keepAccepting(server) : undefined;
    const at = server.address();
    if (at === null || typeof at === "string") throw new Error("The listener has no address");
    return {
      local: endpoint(at.address, at.port),
      // The callback of `close` would wait for every connection to end.
      close: async () => {
        clearInterval(resuming);
        server.close();
      },
    };
  });
}

function bind(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/**
 * Listening again takes accepting up where it stopped, the backlog included; else it does nothing.
 */
function keepAccepting(server: Server): ReturnType<typeof setInterval> {
  const { _handle: handle } = server as { _handle?: { listen?(backlog: number): number } };
  return setInterval(() => handle?.listen?.(BACKLOG), RESUME_ACCEPTING_MILLIS);
}

function accept(socket: Socket, options: ListenOptions, onConn: (conn: Conn) => void): void {
  // Deno and Bun do not know `noDelay` of a server.
  socket.setNoDelay(true);
  const conn = new NetConn(socket);
  // Reset before it was accepted: there is no peer any more.
  if (conn.remote.host === "") {
    conn.destroy();
    return;
  }
  handConn(conn, options, onConn);
}

export function connectNet(to: Endpoint, options: ConnectOptions = {}): Promise<Conn> {
  const millis = options.timeoutMillis ?? CONNECT_MILLIS;
  return new Promise((resolve, reject) => {
    const socket = options.tls ? connectTls(to, options.tls) : connectTcp(to);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const left = (): void =>
      fail(systemError("ECONNRESET", "The connection closed during the TLS handshake"));
    const timer = setTimeout(
      () => fail(systemError("ETIMEDOUT", `${to.host}:${to.port} did not answer in ${millis} ms`)),
      millis,
    );
    socket.once("error", fail);
    if (options.tls) socket.once("close", left);
    socket.once(options.tls ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      socket.off("close", left);
      socket.setNoDelay(true);
      if (socket instanceof TLSSocket) options.tls?.onPeer?.(peerOf(socket));
      resolve(new NetConn(socket));
    });
  });
}

function peerOf(socket: TLSSocket): TlsPeer {
  const { raw } = socket.getPeerCertificate() as { raw?: Uint8Array };
  const error: unknown = socket.authorizationError;
  const code = typeof error === "string" ? error : codeOf(error) || String(error);
  return {
    protocol: socket.getProtocol() ?? "",
    certificate: new Uint8Array(raw ?? []),
    untrusted: socket.authorized ? "" : code,
  };
}

function connectTcp(to: Endpoint): Socket {
  return connect({ host: to.host, port: to.port, allowHalfOpen: true, noDelay: true });
}

function connectTls(to: Endpoint, { serverName, ca, onPeer }: TlsClientOptions): Socket {
  return connectSecure({
    host: to.host,
    port: to.port,
    // RFC 6066 §3: no address in SNI; the certificate is held to `host` then.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2",
    rejectUnauthorized: onPeer === undefined,
  });
}
