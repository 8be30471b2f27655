/** nginx as a proxy that speaks HTTP, in front of a server. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free_port.ts";
import { need } from "./tools.ts";

export interface Nginx {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

export interface NginxOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** More for its `location /`, beside `proxy_pass`. */
  readonly location?: string;
}

/** Passes requests on to `port`. The caller stops it. */
export async function startHttpProxy(port: number, options: NginxOptions = {}): Promise<Nginx> {
  const { port: own = await freePort(), location = "" } = options;
  const folder = mkdtempSync(join(tmpdir(), "monoport-nginx-"));
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configuration(folder, own, port, location));
  const child = spawn(need("nginx"), ["-c", file, "-p", folder, "-e", "stderr"], {
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${own}`;
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    const there = await fetch(`${url}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (there) return { port: own, url, stop };
    if (tries === 600) {
      await stop();
      throw new Error("nginx does not answer");
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

function configuration(folder: string, own: number, port: number, location: string): string {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
daemon off;
pid ${folder}/pid;
events {}
http {
  access_log off;
  ${places.join("\n  ")}
  server {
    listen 127.0.0.1:${own};
    client_max_body_size 2m;
    location / {
      proxy_pass http://127.0.0.1:${port};
      ${location}
    }
  }
}
`;
}
