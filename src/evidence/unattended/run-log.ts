import type { Selectable } from "kysely";
import type { Config } from "../../config/config.ts";
import { markdownTable, plainMarkdown } from "../../lib/markdown.ts";
import { formatUsd } from "../../lib/money.ts";
import { keepFile } from "../../ops/record-file.ts";
import type { ClockDaysTable, ClockTable } from "../../store/schema/evidence.ts";
import type { Db } from "../../store/schema.ts";

const RUN_LOG = "run-log.md";

/** Ten years; older days stay in the table. */
const DAYS_MAX = 3_660;

interface RunLogSources {
  config: Pick<Config, "agent" | "timezone" | "paths">;
  db: Db;
}

/** Makes `runs/run-log.md` say what the rows say. No file before the first clock. @throws StoreRefused */
export async function writeRunLog({ config, db }: RunLogSources): Promise<void> {
  const clock = await db.selectFrom("clock").selectAll().where("id", "=", 1).executeTakeFirst();
  const days = await db.selectFrom("clock_days").selectAll().orderBy("day", "desc").limit(DAYS_MAX).execute();
  if (clock === undefined && days.length === 0) return;
  keepFile(config.paths.runs, RUN_LOG, renderRunLog(config, clock, days.reverse()));
}

/** One line a day, the oldest first. */
function renderRunLog(
  { agent, timezone }: { agent: string; timezone: string },
  clock: Selectable<ClockTable> | undefined,
  days: readonly Selectable<ClockDaysTable>[],
): string {
  const state =
    clock === undefined
      ? "No clock runs."
      : `The clock runs; Day 0 of the present count is ${clock.day_zero}.`;
  const isBegun = clock !== undefined && !days.some(({ day }) => day >= clock.day_zero);
  const rows = days.map((day) => [
    day.day,
    `Day ${day.count}`,
    ...[day.ticks, day.outputs, day.units, day.failures].map(String),
    formatUsd(day.cost_micros),
    formatUsd(day.value_micros),
    String(day.incidents),
    day.attended === 1 ? "yes" : "no",
    plainMarkdown(day.note ?? ""),
  ]);
  const blocks = [
    `# Run log: ${plainMarkdown(agent)}`,
    `Unattended days in a row, in the time zone ${plainMarkdown(timezone)}: a line for each day that is over. Work that a person starts, the kill switch, and a day without a tick start the count again. ${state}`,
    markdownTable(TITLES, isBegun ? [...rows, begun(clock.day_zero)] : rows),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** Day 0 has a line from its beginning, and figures at its end. */
function begun(dayZero: string): string[] {
  return [dayZero, "Day 0", ...Array<string>(TITLES.length - 3).fill(""), "not over yet"];
}

const TITLES = [
  "Day",
  "Count",
  "Ticks",
  "Outputs",
  "Units",
  "Failed ticks",
  "Dollars in",
  "Value out",
  "Incidents",
  "Attended",
  "Note",
];
