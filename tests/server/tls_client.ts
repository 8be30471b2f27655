/** Clients of HTTPS on the shared port, and certificates of files. @module */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { Pem } from "../contract/certificate.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** GET on a connection of its own. */
export function getHttps(
  port: number,
  path: string,
  options: ConnectionOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, path, agent: false, rejectUnauthorized: false, ...options },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (text) => {
          body += text;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

/** A TLS connection whose handshake is done; the caller destroys it. */
export function openTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
      ...options,
    });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The common name of the certificate shown to those who ask for `servername`. */
export async function shownTo(port: number, servername: string | undefined): Promise<string> {
  const socket = await openTls(port, servername === undefined ? {} : { servername });
  const name = String(socket.getPeerCertificate().subject.CN);
  socket.destroy();
  return name;
}

/** What a TLS client says first. */
export async function clientHello(options: ConnectionOptions = {}): Promise<Uint8Array> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const taken = new Promise<Uint8Array>((resolve) => {
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.once("data", (bytes: Buffer) => {
        resolve(new Uint8Array(bytes));
        socket.destroy();
      });
    });
  });
  openTls((server.address() as AddressInfo).port, options).catch(() => {});
  const bytes = await taken;
  server.close();
  return bytes;
}

/** Files of a folder that is there until `remove`. */
export class Folder {
  readonly path: string = mkdtempSync(join(tmpdir(), "monoport-certificates-"));

  /** Writes `NAME.pem` and `NAME.key`; their paths. */
  write(name: string, pem: Pem): { readonly cert: string; readonly key: string } {
    const [cert, key] = [join(this.path, `${name}.pem`), join(this.path, `${name}.key`)];
    writeFileSync(cert, pem.certificate);
    writeFileSync(key, pem.key);
    return { cert, key };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
