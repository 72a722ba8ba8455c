import type { CalendarWindow } from "../lib/windows.ts";

/* Tables of the rails; the conventions are those of schema.ts. */

/** One row a dependency. Which columns are set follows from `state`; rails/breaker.ts reads it as a tagged union. */
export interface BreakersTable {
  name: string;
  state: "closed" | "open" | "half_open" | "blocked";
  failures: number;
  /** When an open breaker lets one probe through; when a half-open one gives its probe up for lost. */
  until: number | null;
  /** How long the breaker was, or will next be, open. */
  cooldown_ms: number;
  probe: string | null;
  reason: string | null;
  updated_at: number;
}

/** The period of each calendar window that is open, by budget time: from its opening up to its end in the zone in which it was opened. */
export interface OpenPeriodsTable {
  window: CalendarWindow;
  period: string;
  opened_at: number;
  ends_at: number;
}
