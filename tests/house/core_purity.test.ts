import assert from "node:assert/strict";
import { test } from "node:test";
import { impurities } from "../../scripts/core_purity.ts";

test("core may not wait, look at a clock or throw dice", () => {
  assert.deepEqual(impurities("/** async */\n\nconst a = 1;\nexport const b = Date.now();"), [
    "4: Date",
  ]);
  assert.deepEqual(impurities("export async function f() {\n  await g();\n}"), [
    "1: async",
    "2: await",
  ]);
  assert.deepEqual(impurities("const f = async () => 1;"), ["1: async"]);
  assert.deepEqual(impurities("const c = { async f() {} };"), ["1: async"]);
  assert.deepEqual(impurities("class C { async f() {} }"), ["1: async"]);
  assert.deepEqual(impurities("\n\nconst r = Math.random();"), ["3: Math.random"]);
  assert.deepEqual(impurities("const p = Promise.resolve();"), ["1: Promise"]);
  assert.deepEqual(impurities("const p = new Promise(() => {});"), ["1: Promise"]);
});

test("core may name a promise in a type, and Date in a header", () => {
  assert.deepEqual(impurities("export interface L { listen(): Promise<void>; }"), []);
  assert.deepEqual(impurities('const h = { Date: "x" }; h.Date; "await"; // async'), []);
  assert.deepEqual(impurities("/** Math.random */ export const x = Math.max(1, 2);"), []);
});
