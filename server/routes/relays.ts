/** `/api/v1/relays`: what is pushed and pulled, and asking for more. For operators alone. @module */
import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { RelayFacts, Relays } from "../relay/mod.ts";
import { type Identity, json, jsonCode, SRS_CODE } from "./envelope.ts";

export interface RelayRoutesOptions {
  readonly identity: Identity;
  readonly relays: Relays;
  /** Words for the refusal, or `undefined` when the caller may. */
  readonly refuses: (context: Context) => string | undefined;
}

/** Bytes of a body. */
const BODY_MAX_BYTES = 8192;

const wish = v.strictObject({
  kind: v.picklist(["push", "pull"], "push or pull"),
  stream: v.pipe(v.string(), v.regex(/^[^/]+\/[^/]+$/, "APP/STREAM")),
  url: v.pipe(v.string(), v.maxLength(2048)),
  token: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9._~+/=-]{1,2048}$/, "a bearer token"))),
});

export function relayRoutes({ identity, relays, refuses }: RelayRoutesOptions): Hono {
  const app = new Hono();
  app.use("/api/v1/relays/*", async (c, next) => {
    const refusal = refuses(c);
    if (refusal === undefined) return next();
    return jsonCode(SRS_CODE.forbidden, `Cannot use relays: ${refusal}`, 403);
  });
  app.on("GET", ["/api/v1/relays", "/api/v1/relays/"], () =>
    json(identity, { server_id: relays.self, relays: relays.facts().map(relayJson) }),
  );
  app.on("POST", ["/api/v1/relays", "/api/v1/relays/"], async (c) => {
    const text = await readJson(c);
    if (text === undefined) {
      const message = `Send application/json of at most ${BODY_MAX_BYTES} bytes`;
      return jsonCode(SRS_CODE.badRequest, message, 400);
    }
    const body = v.safeParse(v.pipe(v.string(), v.parseJson(), wish), text);
    if (!body.success) {
      const issues = body.issues.map((one) => `${v.getDotPath(one) ?? "JSON"}: ${one.message}`);
      return jsonCode(SRS_CODE.badRequest, `Cannot read the body: ${issues.join("; ")}`, 400);
    }
    const [app = "", stream = ""] = body.output.stream.split("/");
    const { kind, url, token } = body.output;
    const made = relays.add({ kind, app, stream, url, token });
    if (typeof made === "string") return jsonCode(SRS_CODE.badRequest, made, 400);
    return json(identity, { relay: relayJson(made) });
  });
  app.delete("/api/v1/relays/:id", (c) =>
    relays.remove(c.req.param("id"))
      ? json(identity, {})
      : jsonCode(SRS_CODE.clientNotFound, "There is no such relay", 404),
  );
  return app;
}

/** A page of another site cannot send this type without asking first. */
async function readJson(c: Context): Promise<string | undefined> {
  const type = (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") return undefined;
  const length = Number(c.req.header("content-length") ?? Number.NaN);
  if (!(length <= BODY_MAX_BYTES)) return undefined;
  return await c.req.text().catch(() => undefined);
}

function relayJson(one: RelayFacts): object {
  return {
    id: one.id,
    kind: one.kind,
    stream: `${one.app}/${one.name}`,
    url: one.url,
    state: one.state,
    since_ms: Math.round(one.since),
    attempts: one.attempts,
    error: one.error,
    retry_ms: Math.round(one.retryMillis),
    kbps: one.kbps,
    transport: one.transport,
    source: one.byApi ? "api" : "config",
  };
}
