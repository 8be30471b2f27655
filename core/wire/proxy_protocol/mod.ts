/** The PROXY protocol of HAProxy, versions 1 and 2. @module */

export * from "./decode.ts";
export * from "./signature.ts";
