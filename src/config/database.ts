import { SCHEMA_LENGTH_MAX } from "../lib/database-target.ts";
import type { Config } from "./config.ts";
import type { ConfigIssue } from "./errors.ts";

/** A cap over all agents of a database needs one, and would else hold nobody back. */
export function fleetIssues({ database, fleet }: Pick<Config, "database" | "fleet">): ConfigIssue[] {
  if (database !== null || fleet.dailyCapMicros === null) return [];
  const message = "needs `database`, which all agents share that it is for; or leave it out";
  return [{ path: "fleet.daily_cap_usd", message }];
}

/** Where a fleet keeps what it knows; null where no address is stated. */
export function targetOf(
  { url, schema }: { url: string | null; schema: string | null },
  { agent, fleet }: Pick<Config, "agent" | "fleet">,
): Config["database"] {
  if (url === null) return null;
  return { url, schema: schema ?? schemaOf(agent), hasFleetCap: fleet.dailyCapMicros !== null };
}

/** The password as it is written in an address, and as it is. */
export function passwordOf(url: string | null): string[] {
  const written = url === null ? "" : new URL(url).password;
  return written === "" ? [] : [written, decodeURIComponent(written)];
}

/** The schema of an agent that names none. */
export function schemaOf(agent: string): string {
  return `afk_${agent.toLowerCase().replace(/[^a-z0-9_]/g, "_")}`.slice(0, SCHEMA_LENGTH_MAX);
}
