import type { Config } from "../../config/config.ts";
import { toIso } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { markdownTable, plainMarkdown } from "../../lib/markdown.ts";
import { keepFile } from "../../ops/record-file.ts";
import type { IncidentsTable } from "../../store/schema/evidence.ts";
import type { Db } from "../../store/schema.ts";

const INCIDENTS_FILE = "INCIDENTS.md";

/** The newest; the others stay in the table. */
const SHOWN_MAX = 500;

/** Makes `runs/INCIDENTS.md` say what the rows say. No file before the first incident. @throws StoreRefused */
export async function writeIncidents({
  config,
  db,
}: {
  config: Pick<Config, "agent" | "paths">;
  db: Db;
}): Promise<void> {
  const rows = await db
    .selectFrom("incidents")
    .selectAll()
    .orderBy("opened_at", "desc")
    .orderBy("id", "desc")
    .limit(SHOWN_MAX)
    .execute();
  if (rows.length === 0) return;
  keepFile(config.paths.runs, INCIDENTS_FILE, renderIncidents(config.agent, rows));
}

/** The newest first. It says what the rows say and nothing of the moment, so that the same rows give the same file. */
function renderIncidents(agent: string, rows: readonly IncidentsTable[]): string {
  const open = rows.filter((row) => row.closed_at === null).length;
  const blocks = [
    `# Incidents: ${plainMarkdown(agent)}`,
    `What broke, the newest first: ${rows.length} in all, ${open} of them not closed. Made from the table incidents; what is written here by hand is lost. To close one: \`afk incidents close ID\``,
    ...rows.flatMap(block),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function block(row: IncidentsTable): string[] {
  const { recovered_at, closed_at } = row;
  const facts: [name: string, value: string | null | undefined][] = [
    ["incident", row.id],
    ["state", stateOf(row)],
    ["first sign", toIso(row.opened_at)],
    ["last sign", toIso(row.last_at)],
    ["signs", String(row.count)],
    ["recovered", recovered_at === null ? "not seen" : toIso(recovered_at)],
    ["recovery took", recovered_at === null ? null : formatDuration(recovered_at - row.opened_at)],
    ["job", row.job],
    ["tick", row.tick],
    ["release", row.config_hash?.slice(0, 12)],
    ["closed", closed_at === null ? null : toIso(closed_at)],
    ["cause", row.cause],
    ["fix", row.fix],
    ["prevention", row.prevention],
    ["fixed by", row.fixed_by],
  ];
  const cells = [
    // A word of the code is shown as one, without the escapes that it would need in a sentence.
    ["event", /^\w+$/.test(row.event) ? `\`${row.event}\`` : plainMarkdown(row.event)],
    ...facts.flatMap(([name, value]) => (value == null ? [] : [[name, plainMarkdown(value)]])),
  ];
  return [
    `## ${plainMarkdown(row.title)}`,
    markdownTable(["What", "Which"], cells),
    ...(row.tick === null || !/^[\w-]+$/.test(row.tick) ? [] : [`Trace: \`afk logs --tick ${row.tick}\``]),
  ];
}

function stateOf(row: IncidentsTable): string {
  if (row.closed_at !== null) return "closed";
  return row.recovered_at === null ? "lasting" : "recovered, not closed";
}
