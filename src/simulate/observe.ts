import { parseLine } from "../logs/line.ts";
import type { Day } from "./calendar.ts";

/** Most lines are no refusal, and are not parsed. */
const REFUSAL = /"event":"(?:cap_hit|kill_seen)"/;

/** What a line of the agent's log adds to the day. `isCapChanged`: the person has set another daily cap. */
export function readLine(raw: string, day: Day, isCapChanged: boolean): void {
  if (!REFUSAL.test(raw)) return;
  const line = parseLine(raw);
  if (line === null) return;
  const isTheirs = line.window === "day" && isCapChanged;
  const cap = `${String(line.window)} cap${isTheirs ? ", changed by the person" : ""}`;
  const name = line.event === "cap_hit" ? cap : "kill switch";
  day.refused[name] = (day.refused[name] ?? 0) + 1;
}
