import * as v from "valibot";
import { SCHEMA_LENGTH_MAX, SCHEMA_NAME } from "../lib/database-target.ts";
import { capMicrosFromUsd } from "../lib/money.ts";
import { databaseUrlProblem } from "./database-url.ts";
import { section, text, usd } from "./fields.ts";

const WRITE_URL = "write postgres://<user>:<password>@<host>:5432/<name>, or leave it out to use SQLite";

/** The `database:` section; null where the agent lives in SQLite. */
export function databaseSchema() {
  return v.pipe(
    section(
      "PostgreSQL, for an agent that runs on several machines; without it the state is one SQLite file.",
      {
        url: v.optional(
          v.pipe(
            v.string(WRITE_URL),
            v.rawCheck(({ dataset, addIssue }) => {
              const message = dataset.typed ? databaseUrlProblem(dataset.value) : null;
              if (message !== null) addIssue({ message });
            }),
            v.description("Address of the database, with user and password; else `DATABASE_URL`."),
          ),
        ),
        schema: v.optional(
          text(
            "The agent's own schema in it; `afk_` and the agent's name unless stated.",
            "write a name of small letters, digits and _, at most 63, for example afk_digest",
            SCHEMA_NAME,
            SCHEMA_LENGTH_MAX,
          ),
        ),
      },
    ),
    v.transform(({ url = null, schema = null }) => ({ url, schema })),
  );
}

/** The `fleet:` section. */
export function fleetSchema() {
  return v.pipe(
    section("What several agents in one database share.", {
      daily_cap_usd: v.optional(
        usd(
          "Cap over all agents of the database, by the day in UTC; none unless stated.",
          "the most that a day of all agents may cost",
          "10",
        ),
      ),
    }),
    v.transform(({ daily_cap_usd: cap }) => ({
      dailyCapMicros: cap === undefined ? null : capMicrosFromUsd(cap),
    })),
  );
}
