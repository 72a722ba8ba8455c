import { DAY_MS } from "../lib/durations.ts";
import { readLogs } from "../logs/read.ts";

/** How long a test says something of a channel. */
const DAYS_BACK_MS = 7 * DAY_MS;
/** Of the lines about alerts, so many of the newest are looked through. */
const LINES_MAX = 500;

/** What a test of a channel came to. */
export interface ChannelTest {
  /** Epoch milliseconds. */
  at: number;
  /** Null: it arrived. */
  error: string | null;
}

/** What became of the last `afk alert test`, by channel. It needs no database, so the log alone has it. */
export function lastTests(dir: string, nowMs: number): Map<string, ChannelTest> {
  const tests = new Map<string, ChannelTest>();
  const events = ["alert_sent", "alert_failed"];
  for (const { line } of readLogs({ dir, events, sinceMs: nowMs - DAYS_BACK_MS, limit: LINES_MAX })) {
    if (line.alert !== "alert_test" || typeof line.channel !== "string") continue;
    const error = line.event === "alert_sent" ? null : String(line.error ?? "for no stated reason");
    tests.set(line.channel, { at: Date.parse(line.ts), error });
  }
  return tests;
}
