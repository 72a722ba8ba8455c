import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";

/** A tick claims nothing more after 50 minutes; what it claimed last may take its own time, and the delivery of alerts a little more. */
const TICK_MS = 50 * MINUTE_MS;
const DELIVERY_MS = 5 * MINUTE_MS;
/** Rows that a tick may add to the tables that are kept for good, with room for what it cannot help. */
const ALERTS_PER_TICK = 60;
const HOSTS_MAX = 200;

/** Reports a tick that took longer than its own bound and that of its jobs allow. */
export function checkTickTime(config: Config, tookMs: number, report: Report): void {
  const longest = Math.max(0, ...config.jobs.map(({ timeoutMs }) => timeoutMs));
  if (tookMs > TICK_MS + longest + DELIVERY_MS)
    report("bounds", `a tick took ${Math.round(tookMs / MINUTE_MS)} minutes`);
}

/** Reports logs and tables that have outgrown their bounds. */
export function checkSizes(config: Config, reader: Reader, ticks: number, report: Report): void {
  const bytes = bytesIn(config.paths.logs);
  // Today's last file is never deleted, and is at most a quarter of the bound.
  if (bytes > 1.25 * config.retention.logMaxBytes + 1_000_000)
    report("bounds", `the log takes ${bytes} bytes`);
  const rows = (table: string) =>
    reader.one<{ rows: number }>(`select count(*) as rows from ${table}`)?.rows ?? 0;
  if (rows("alerts") > ALERTS_PER_TICK * (ticks + 10))
    report("bounds", `${rows("alerts")} alerts in ${ticks} ticks`);
  for (const table of ["host_limits", "robots", "breakers"])
    if (rows(table) > HOSTS_MAX) report("bounds", `${table} holds ${rows(table)} rows`);
}

function bytesIn(dir: string): number {
  try {
    return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
