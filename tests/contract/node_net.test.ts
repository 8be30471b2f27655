import { test } from "node:test";
import { loadRuntime } from "../../runtime/mod.ts";
import { contract } from "./runtime_contract.ts";

const runtime = await loadRuntime({ net: "node" });
if (runtime.name === "node") test("Node has no other sockets than node:net", () => {});
else contract(`${runtime.name}, node:net`, runtime, { finLosesQueue: runtime.name === "deno" });
