import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import {
  codecsWasmBase64,
  codecsWasmBytes,
  codecsWasmSha256,
} from "../../server/codecs/module.gen.ts";
import { repository } from "../tools.ts";

test("the embedded codecs.wasm is what its hash says", () => {
  const wasm = inflateRawSync(Buffer.from(codecsWasmBase64, "base64"));
  assert.equal(wasm.length, codecsWasmBytes);
  assert.equal(createHash("sha256").update(wasm).digest("hex"), codecsWasmSha256);
});

test("codecs/ names sources with their hashes, and holds their licences", () => {
  const text = readFileSync(join(repository, "codecs/sources.json"), "utf8");
  const { packages } = JSON.parse(text) as { packages: Record<string, string>[] };
  assert.equal(packages.length, 2);
  for (const one of packages) assert.match(one["sha256"] ?? "", /^[0-9a-f]{64}$/);
  const licence = (name: string) => readFileSync(join(repository, "codecs/licences", name), "utf8");
  assert.match(licence("ffmpeg_lgpl_2.1.txt"), /GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2.1/);
  assert.match(licence("opus_bsd.txt"), /Redistribution and use in source and binary forms/);
});
