/**
 * Another layer for a viewer who is on: POST to the address in the Link header of his 201, as in the
 * layer extension of draft-murillo-whep-01 §4.6.2; DELETE leaves the choice to the server again.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { LayerWords } from "../signal.ts";
import { readBody } from "./body.ts";
import type { RtcRoutesOptions } from "./rtc.ts";
import { authorize } from "./session.ts";

const LAYER_REL = "urn:ietf:params:whep:ext:core:layer";
const PATH = "/rtc/v1/whep/layer";

/** The Link header's value for a viewer's session. */
export function layerLink(session: string, token: string): string {
  return `<${PATH}?${new URLSearchParams({ session, token })}>; rel="${LAYER_REL}"`;
}

const layerBody = v.object({
  /** A rid, or auto, high, mid, low. */
  encodingId: v.optional(v.nullable(v.string())),
  /** What draft-ietf-wish-whep-03 calls it. */
  rid: v.optional(v.nullable(v.string())),
  /** Ours: most lines of a picture. */
  maxHeight: v.optional(v.nullable(v.number())),
});

export function layerRoutes(options: RtcRoutesOptions): Hono {
  const app = new Hono();
  app.post(PATH, async (c) => {
    const text = await readBody(c, options.bodyBytes);
    if (typeof text !== "string") return c.text(`${text.message}\n`, text.status);
    const body = v.safeParse(v.pipe(v.string(), v.parseJson(), layerBody), text);
    if (!body.success) {
      const example = '{"mediaId": "1", "encodingId": "h"}';
      return c.text(`Cannot read the body: it is JSON like ${example}\n`, 400);
    }
    const { encodingId, rid, maxHeight } = body.output;
    const layer = encodingId ?? rid ?? "";
    return choose(c, options, { layer, maxHeight: maxHeight?.toString() ?? "" });
  });
  app.delete(PATH, (c) => choose(c, options, { layer: "", maxHeight: "" }));
  return app;
}

async function choose(c: Context, options: RtcRoutesOptions, words: LayerWords): Promise<Response> {
  const { session: id = "", token = "" } = c.req.query();
  const session = options.signalling.session(id, token);
  if (session?.action !== "play") return c.text("No such session of a viewer\n", 404);
  const refusal = await authorize(c, options, session);
  if (refusal !== undefined) return refusal;
  const wrong = session.chooseLayer(words);
  return wrong === undefined ? c.body(null, 200) : c.text(`${wrong}\n`, 400);
}
