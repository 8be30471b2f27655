import { Fault } from "../../base/mod.ts";

export const TAG_TRUNCATED: Fault = /* @__PURE__ */ new Fault(
  "core/wire/flv",
  "tag-truncated",
  "FLV 10.1 §E.4",
);
