import { loadRuntime } from "../../runtime/mod.ts";
import { contract } from "./runtime_contract.ts";

const runtime = await loadRuntime({ net: "native" });
contract(`${runtime.name}, own sockets`, runtime);
