/** Classes of bytes in HTTP messages (RFC 9110 §5.6.2, §5.5; RFC 5234 B.1). @module */
import { u8 } from "../../bytes/mod.ts";

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;

const TOKEN = 1;
const FIELD = 2;
const TARGET = 4;

const CLASS: Uint8Array = /* @__PURE__ */ makeClasses();

/** tchar */
export function isToken(byte: number): boolean {
  return (u8(CLASS, byte) & TOKEN) !== 0;
}

/** field-vchar, SP or HTAB */
export function isFieldChar(byte: number): boolean {
  return (u8(CLASS, byte) & FIELD) !== 0;
}

/** VCHAR but `#`: what a request target may hold raw. */
export function isTargetChar(byte: number): boolean {
  return (u8(CLASS, byte) & TARGET) !== 0;
}

/** 0 to 15, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function makeClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0x20; c < 256; c++) if (c !== 0x7f) table[c] = FIELD;
  table[HTAB] = FIELD;
  for (let c = 0x21; c < 0x7f; c++) if (c !== 0x23) table[c] = FIELD | TARGET;
  const token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (let i = 0; i < token.length; i++) {
    const c = token.charCodeAt(i);
    table[c] = u8(table, c) | TOKEN;
  }
  return table;
}
