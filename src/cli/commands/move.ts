import { readAgentConfig } from "../../agent.ts";
import type { Config } from "../../config/config.ts";
import { schemaOf } from "../../config/database.ts";
import { databaseUrlProblem } from "../../config/database-url.ts";
import { systemClock } from "../../lib/clock.ts";
import { type DatabaseTarget, SCHEMA_LENGTH_MAX, SCHEMA_NAME } from "../../lib/database-target.ts";
import { moveToPostgres } from "../../ops/move/to-postgres.ts";
import { moveToSqlite } from "../../ops/move/to-sqlite.ts";
import type { CopiedTable } from "../../store/copy-rows.ts";
import { defineCommand, UsageError } from "../command.ts";
import { type Column, tableText } from "../text.ts";

export default defineCommand({
  isForPeople: true,
  json: true,
  args: {
    to: {
      type: "string",
      required: true,
      valueHint: "WHERE",
      description: "postgres (the database of the configuration), the URL of one, or sqlite",
    },
    schema: {
      type: "string",
      valueHint: "NAME",
      description: "The agent's schema there (as configured, else afk_ and its name)",
    },
  },
  async run({ args }) {
    const config = readAgentConfig(args);
    const target = targetOf(config, args.to, args.schema);
    if (args.to === "sqlite") {
      const moved = await moveToSqlite({ config, target });
      const text = [
        ...copiedLines(moved.tables),
        `the state is ${moved.to}; the schema ${moved.schema} is closed and can be dropped`,
        "Take DATABASE_URL and database: away everywhere before this agent runs again.",
      ];
      return { json: moved, text };
    }
    const moved = await moveToPostgres({ config, target, clock: systemClock });
    const text = [
      ...copiedLines(moved.tables),
      `the state is in the schema ${moved.schema}; what was ${moved.from} is ${moved.kept}, and nothing works with it`,
      ...(config.database === null
        ? ["Set DATABASE_URL (or database.url) before this agent runs again."]
        : []),
      ...(moved.schema === (config.database?.schema ?? schemaOf(config.agent))
        ? []
        : [`Set database.schema: ${moved.schema} in afk.yaml too: in another schema there is no state.`]),
    ];
    return { json: moved, text };
  },
});

/** @throws UsageError */
function targetOf(config: Config, to: string, schema: string | undefined): DatabaseTarget {
  // As afk.yaml takes it, which has to name it then.
  if (schema !== undefined && !(SCHEMA_NAME.test(schema) && schema.length <= SCHEMA_LENGTH_MAX))
    throw new UsageError(`--schema ${schema}: write a name of small letters, digits and _, at most 63.`);
  if (to === "sqlite" || to === "postgres") {
    if (config.database === null)
      throw new UsageError(`--to ${to} needs the database: set DATABASE_URL, or database.url in afk.yaml.`);
    return { ...config.database, ...(schema !== undefined && { schema }) };
  }
  const problem = databaseUrlProblem(to);
  // What looks like a URL may hold a password.
  if (problem !== null)
    throw new UsageError(
      `--to${to.includes(":") ? "" : ` ${to}`}: ${problem}; or say --to postgres, or --to sqlite.`,
    );
  return { url: to, schema: schema ?? config.database?.schema ?? schemaOf(config.agent) };
}

const COLUMNS: Column<CopiedTable>[] = [
  ["TABLE", ({ table }) => table],
  ["ROWS", ({ rows }) => String(rows), "right"],
  ["COMPARED", () => "all the same"],
];

function copiedLines(tables: readonly CopiedTable[]): string[] {
  if (tables.length === 0) return ["all rows were there already: a move that was cut off has ended"];
  return tableText(
    tables.filter(({ rows }) => rows > 0),
    COLUMNS,
    "there was nothing in it",
  );
}
