/** HTTP hooks as SRS has them, and the door that asks them. @module */
export type { SegmentFile } from "./bodies.ts";
export { Hooks, type HooksOptions } from "./hooks.ts";
export {
  type Door,
  type Entered,
  enter,
  type Refused,
  type Traffic,
  type Visit,
  type Visitor,
  type Visits,
} from "./visit.ts";
