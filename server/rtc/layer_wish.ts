/** Which layer of a video a viewer asks for, out of a request's words. @module */
import { ANY_LAYER, LAYER_NAMES, type LayerWish, type Stream } from "../../core/stream/mod.ts";
import type { LayerWords } from "../signal.ts";

/** A rid (RFC 8851 §10, RFC 8852 §3.1) or one of our names. */
const LAYER = /^[A-Za-z0-9_-]{1,255}$/;

/**
 * The wish in `words`, or a sentence why it is none. A stream that is not live yet may bring any
 * layer; of one that is, the layer must be there.
 */
export function layerWish(words: LayerWords, stream: Stream | undefined): LayerWish | string {
  const layer = words.layer || ANY_LAYER.layer;
  const known = LAYER_NAMES.includes(layer) || stream?.rids.includes(layer);
  if (!LAYER.test(layer) || (stream?.live && !known)) {
    const names = new Set([...(stream?.rids ?? []), ...LAYER_NAMES]);
    const shown = JSON.stringify(layer.slice(0, 64));
    return `There is no layer ${shown}: choose one of ${[...names].join(", ")}`;
  }
  if (words.maxHeight === "") return { ...ANY_LAYER, layer };
  const maxHeight = /^[0-9]{1,5}$/.test(words.maxHeight) ? Number(words.maxHeight) : 0;
  if (maxHeight > 0) return { layer, maxHeight };
  const shown = JSON.stringify(words.maxHeight.slice(0, 64));
  return `Cannot take ${shown} for a greatest height: it is a number of lines, as 480`;
}
