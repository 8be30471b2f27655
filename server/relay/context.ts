/** What pushes and pulls share. @module */
import type { RtcContext } from "../rtc/context.ts";
import type { AllowList } from "./allow_list.ts";
import type { HttpClient } from "./http_client.ts";

export interface RelayContext {
  readonly rtc: RtcContext;
  readonly client: HttpClient;
  readonly allow: AllowList;
  /** Our id in chains of servers. */
  readonly self: string;
  /** The servers that the stream called `key` has passed before us. */
  readonly via: (key: string) => readonly string[];
}
