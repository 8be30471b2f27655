/** What a process and the machine have used so far, from Linux' /proc. @module */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Used {
  /** Of the process: all its threads and the kernel's share for it, in seconds. */
  readonly user: number;
  readonly system: number;
  /** Of all programs, this one included. */
  readonly machine: number;
  readonly at: number;
}

export interface Share {
  /** Of one core. */
  readonly cores: number;
  readonly system: number;
  /** Cores that all other programs used. */
  readonly others: number;
  readonly seconds: number;
}

const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

export function used(pid: number): Used {
  const line = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [, user, nice, system, , , irq, softIrq] = readFileSync("/proc/stat", "utf8")
    .split("\n", 1)[0]!
    .split(/\s+/)
    .map(Number);
  const busy = user! + nice! + system! + irq! + softIrq!;
  return {
    user: Number(fields[11]) / TICKS,
    system: Number(fields[12]) / TICKS,
    machine: busy / TICKS,
    at: performance.now() / 1000,
  };
}

export function between(from: Used, to: Used): Share {
  const seconds = to.at - from.at;
  const system = to.system - from.system;
  const all = to.user - from.user + system;
  const others = (to.machine - from.machine - all) / seconds;
  return { cores: all / seconds, system: system / seconds, others, seconds };
}

export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
