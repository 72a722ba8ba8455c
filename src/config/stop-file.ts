import { join, resolve } from "node:path";
import type { Environment } from "./environment.ts";

/** Where the STOP file is, without reading afk.yaml: the kill switch must be settable when that is refused. */
export function stopFileOf(options: {
  environment: Environment;
  state?: string | undefined;
  cwd: string;
}): string {
  const { environment, cwd } = options;
  return resolve(
    cwd,
    environment.KILL_FLAG || join(options.state || environment.AFK_STATE || "state", "STOP"),
  );
}
