import { randomBytes } from "node:crypto";

/** Names and labels for what scenarios make in an engine, so that runs and tests do not meet, and leftovers are found. */
export const RUN_LABEL = "afk.test.run";

export function uniqueName(what: string): string {
  return `afk-test-${what}-${randomBytes(4).toString("hex")}`;
}

/** For containers, volumes and networks. */
export function runLabels(): Record<string, string> {
  return { [RUN_LABEL]: process.env.AFK_TEST_RUN ?? "none" };
}

/** The same as words for `docker run`, `docker volume create` and `docker network create`. */
export function labelWords(): string[] {
  return Object.entries(runLabels()).flatMap(([name, value]) => ["--label", `${name}=${value}`]);
}
