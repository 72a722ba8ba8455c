import { expect, test } from "vitest";
import { linesOf, load, withBase } from "./support.ts";

const url = "postgres://afk:secret@db.example.org/afk";

test("a cap over all agents needs the database that they share", () => {
  expect(linesOf(withBase({ fleet: { daily_cap_usd: 10 } }))).toEqual([
    "fleet.daily_cap_usd: needs `database`, which all agents share that it is for; or leave it out",
  ]);
  const { database, fleet } = load(withBase({ database: { url }, fleet: { daily_cap_usd: 10 } }));
  expect(database).toEqual({ url, schema: "afk_test", hasFleetCap: true });
  expect(fleet).toEqual({ dailyCapMicros: 10_000_000 });
  const alone = load(withBase({ database: { url, schema: "mine" } }));
  expect(alone.database).toEqual({ url, schema: "mine", hasFleetCap: false });
});
