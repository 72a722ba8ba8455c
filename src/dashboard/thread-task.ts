import type { Config } from "../config/config.ts";

/** What the thread is given to work with. */
export interface ThreadTask {
  config: Config;
  version: string;
}

/** What it says of itself. */
export type ThreadMessage =
  | { type: "listening"; url: string }
  | { type: "unavailable"; error: string }
  | { type: "error"; error: string };
