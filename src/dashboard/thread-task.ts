import type { Config } from "../config/config.ts";

/** What the thread is given to work with. */
export interface ThreadTask {
  config: Config;
  version: string;
}

/** What it says of itself: that it has loaded and waits for its port, and then what became of that. */
export type ThreadMessage =
  | { type: "ready" }
  | { type: "listening" }
  | { type: "unavailable"; error: string }
  | { type: "error"; error: string };

/** What it is told. */
export type ThreadOrder = { type: "listen" } | { type: "close" } | { type: "reconfigure"; config: Config };
