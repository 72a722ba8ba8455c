import { MINUTE_MS } from "../../lib/durations.ts";
import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";

/** How far the wall clock may run ahead of the uptime before it counts as set forward. */
const TOLERANCE_MS = 5 * MINUTE_MS + 1_000;

/** The budget's clock against true time. */
export function createTimeCheck(report: Report) {
  let latest: number | null = null;
  let mayGoBack = false;
  let base: { atMs: number; elapsedMs: number } | null = null;

  return {
    /** A person took the wall clock for right, or the machine has booted: what came before says nothing of what comes. */
    forget(what: "boot" | "accepted") {
      base = null;
      if (what === "accepted") mayGoBack = true;
    },
    /** The database as it is after something that began at `fromMs` and ended at `toMs` of true time. */
    check(reader: Reader, { fromMs, toMs }: { fromMs: number; toMs: number }) {
      const row = reader.one<{ latest: number }>("select latest_at as latest from budget_clock where id = 1");
      if (row === undefined || row.latest === latest) return;
      if (latest !== null && row.latest < latest && !mayGoBack)
        report("time", `budget time went back by ${latest - row.latest} ms`);
      latest = row.latest;
      mayGoBack = false;
      // The first reading of a boot may follow the wall clock anywhere; from there on uptime says how far.
      base ??= { atMs: row.latest, elapsedMs: fromMs };
      const gainedMs = row.latest - base.atMs - (toMs - base.elapsedMs);
      if (gainedMs > TOLERANCE_MS)
        report("time", `budget time gained ${gainedMs} ms on the machine's uptime`);
    },
  };
}
