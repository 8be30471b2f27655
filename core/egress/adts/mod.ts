/** The sound of a stream as AAC in ADTS (ISO/IEC 14496-3 §1.A.2.2). @module */
export { type AdtsBytes, type AdtsCast, adtsCast } from "./cast.ts";
