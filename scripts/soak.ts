/** `npm run soak [-- WHAT ... --minutes 10 --runtime node]`: see `--help`. @module */

import { parseArgs } from "node:util";
import { type Runtime, runtimeProgram } from "../tests/runtimes.ts";
import { soakHls } from "./soaks/hls.ts";
import { soakMemory } from "./soaks/memory.ts";
import { soakTone } from "./soaks/tone.ts";

const HELP = `npm run soak [-- [WHAT ...] [OPTION ...]]

Runs for minutes what the tests run for seconds, one thing after the other, and prints the figures.
Leave the machine alone meanwhile. The exit code is 1 when one of them did not hold.

WHAT, all of them unless named:
  memory   publishers and viewers come and go, and connections that say nothing or nonsense:
           neither memory nor descriptors grow (Linux)
  hls      hls.js in Chromium plays low-latency HLS: no stall, 2.5 s behind at most
  tone     a tone from AAC to Opus and from Opus to AAC, as ffmpeg hears it at the end: level
           within 0.1 dB, no click, in step with the picture

  --minutes N       for each; default 10
  --runtime NAME    the server's: node (default), node20 (after npm run build), deno, bun,
                    binary (after npm run build:binary)
`;

/** Each resolves to whether it held. */
const soaks: Readonly<Record<string, (minutes: number, runtime: Runtime) => Promise<boolean>>> = {
  memory: soakMemory,
  hls: soakHls,
  tone: soakTone,
};
const runtimes: readonly Runtime[] = ["node", "node20", "deno", "bun", "binary"];

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      runtime: { type: "string", default: "node" },
      help: { type: "boolean", short: "h" },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) return refuse(`--minutes ${values.minutes} is no number above 0`);
  const runtime = runtimes.find((one) => one === values.runtime);
  if (runtime === undefined) return refuse(`--runtime is one of ${runtimes.join(", ")}`);
  const unknown = positionals.find((name) => soaks[name] === undefined);
  if (unknown !== undefined)
    return refuse(`${unknown} is none of ${Object.keys(soaks).join(", ")}`);
  runtimeProgram(runtime);

  let held = true;
  for (const [name, soak] of Object.entries(soaks)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`${name}: ${minutes} min on ${runtime}`);
    const ok = await soak(minutes, runtime);
    console.log(`${name}: ${ok ? "held" : "DID NOT HOLD"}`);
    held &&= ok;
  }
  return held ? 0 : 1;
}

function refuse(why: string): number {
  console.error(`${why}; npm run soak -- --help`);
  return 2;
}
