import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createServer, type Server } from "node:tls";
import type { Conn, ConnectOptions, Runtime } from "../../core/base/io.ts";
import { issue } from "./certificate.ts";
import { Recorder, text, until } from "./peer.ts";

/** The server is node:tls, which all runtimes have. */
export function tlsClientContract(name: string, runtime: Runtime): void {
  describe(`${name}: TLS as a client`, () => {
    const issued = issue();
    let server: Server | undefined;
    const names: (string | false | null)[] = [];
    before(async () => {
      server = createServer({ cert: issued.certificate, key: issued.key }, (socket) => {
        names.push(socket.servername ?? null);
        socket.on("error", () => {});
        socket.on("data", (bytes) => socket.write(bytes));
      });
      await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    });
    after(() => server?.close());
    const connect = (tls: NonNullable<ConnectOptions["tls"]>): Promise<Conn> => {
      const at = server?.address() as AddressInfo | undefined;
      assert.ok(at);
      return runtime.connect({ host: "127.0.0.1", port: at.port }, { tls, timeoutMillis: 5000 });
    };

    test("a certificate of a trusted authority for the name is taken, and data passes", async (t) => {
      const conn = await connect({ serverName: "names.test", ca: issued.ca });
      t.after(() => conn.destroy());
      const peer = new Recorder();
      conn.handler = peer;
      conn.write(text("hello"));
      await until("the echo", () => peer.size === 5);
      assert.deepEqual(names.splice(0), ["names.test"]);
      assert.equal(conn.remote.host, "127.0.0.1");
    });

    test("an address is held to the certificate's addresses", async (t) => {
      const conn = await connect({ serverName: "127.0.0.1", ca: issued.ca });
      t.after(() => conn.destroy());
      const peer = new Recorder();
      conn.handler = peer;
      conn.write(text("hello"));
      await until("the echo", () => peer.size === 5);
    });

    test("another name, or an authority nobody trusts, is an error", async () => {
      await assert.rejects(connect({ serverName: "other.test", ca: issued.ca }));
      await assert.rejects(connect({ serverName: "names.test" }));
    });

    test("a server that speaks no TLS is an error, not a wait", async (t) => {
      const listener = await runtime.listen({ host: "127.0.0.1", port: 0 }, (conn) => {
        conn.handler = { data: () => conn.end(), close: () => {} };
        conn.write(text("HTTP/1.1 400 Bad Request\r\n\r\n"));
      });
      t.after(() => listener.close());
      const tls = { serverName: "names.test" };
      const started = performance.now();
      await assert.rejects(runtime.connect(listener.local, { tls, timeoutMillis: 60_000 }));
      assert.ok(performance.now() - started < 30_000);
    });
  });
}
