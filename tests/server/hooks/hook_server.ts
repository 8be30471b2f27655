/** An operator's server that hooks are sent to. @module */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { TestContext } from "node:test";

/** One call, as it came. */
export interface HookCall {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  readonly body: HookBody;
}

/** What the JSON of hooks may have; some of it by action. */
export interface HookBody {
  readonly [member: string]: unknown;
  readonly action: string;
  readonly server_id: string;
  readonly service_id: string;
  readonly client_id: string;
  readonly ip: string;
  readonly app: string;
  readonly stream: string;
  readonly stream_url: string;
  readonly stream_id: string;
  readonly param: string;
  readonly tcUrl: string;
  readonly recv_bytes: number;
  readonly send_bytes: number;
  readonly cwd: string;
  readonly file: string;
  readonly url: string;
  readonly m3u8: string;
  readonly m3u8_url: string;
  readonly duration: number;
  readonly seq_no: number;
}

type Answer = (call: HookCall, response: ServerResponse) => void;

export class HookServer {
  readonly calls: HookCall[] = [];
  answer: Answer = (_, response) => response.end('{"code":0}');
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8");
      request.on("data", (piece: string) => {
        text += piece;
      });
      request.on("end", () => {
        const path = request.url ?? "";
        const call = { path, headers: request.headers, text, body: JSON.parse(text) };
        this.calls.push(call);
        this.answer(call, response);
      });
    });
  }

  /** `--KEY URL` for each hook. */
  settings(...hooks: readonly string[]): string[] {
    const keys = hooks.map((hook) => [`--vhost.http_hooks.${hook}`, this.url(hook)]);
    return ["--vhost.http_hooks.enabled", "on", ...keys.flat()];
  }

  url(path: string): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/${path}`;
  }

  /** Actions in the order they came. */
  get actions(): string[] {
    return this.calls.map(({ body }) => body.action);
  }

  of(action: string): HookCall[] {
    return this.calls.filter(({ body }) => body.action === action);
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export async function hookServer(t: TestContext): Promise<HookServer> {
  const server = new HookServer();
  t.after(() => server.close());
  await server.listen();
  return server;
}

/** All hooks that clients cause. */
export const CLIENT_HOOKS = [
  "on_connect",
  "on_publish",
  "on_play",
  "on_stop",
  "on_unpublish",
  "on_close",
] as const;
