/** What the program does at its start, under whatever Deno allows. */
import { MonoportError } from "../../core/base/error.ts";
import { loadRuntime } from "../../runtime/mod.ts";

const runtime = await loadRuntime();
const env = Object.keys(runtime.env()).length;
const interfaces = runtime.interfaces().length;
const { residentBytes } = runtime.usage();
const resolved = await runtime.resolve("localhost").then(
  (addresses) => addresses.length,
  () => 0,
);
const opened = await runtime.files.open("/nowhere/file", "create").then(
  () => "opened",
  ({ code, message }: Error & { code?: string }) => `${code} ${message}`,
);
runtime.print(
  JSON.stringify({
    name: runtime.name,
    version: runtime.version,
    pid: runtime.pid,
    args: runtime.args,
    env,
    interfaces,
    residentBytes,
    resolved,
    opened,
    random: runtime.crypto.random(4).length,
    now: runtime.now() > 0,
  }),
);
try {
  const tls = runtime.args.includes("tls");
  const listener = await runtime.listen({ host: "127.0.0.1", port: 0, tls }, (conn) => {
    conn.handler = { data: (bytes) => conn.write(bytes), close: () => {} };
  });
  const conn = await runtime.connect(listener.local);
  const udp = await runtime.openUdp({ host: "127.0.0.1", port: 0 }, () => {});
  await udp.close();
  conn.handler = {
    data: () => runtime.exit(0),
    close: () => runtime.exit(2),
  };
  runtime.print("echo");
  conn.write(Uint8Array.of(1));
} catch (error) {
  const known = error instanceof MonoportError;
  runtime.print(known ? `${error.code}: ${error.message}` : String(error), "error");
  runtime.exit(1);
}
