/** Monoport's version; equal to package.json's and deno.json's, which a test checks. */
export const VERSION = "0.1.0";
/** The SRS whose requests and answers this API keeps to. */
export const COMPATIBLE_WITH = "SRS/7.0.18";
/** Value of the `Server` header. */
export const SERVER_NAME: string = `Monoport/${VERSION}`;
