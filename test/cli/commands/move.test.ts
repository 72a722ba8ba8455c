// @module-tag processes
import { expect, test } from "vitest";
import { deployment, PROCESSES } from "../../support/afk.ts";

const CONFIG = { agent: "test-agent", budget: { daily_cap_usd: 0 }, models: { chain: ["extractive"] } };

test("a move refuses a URL that cannot be used, and does not show its password", PROCESSES, async () => {
  const target = deployment(CONFIG);
  for (const to of [
    "postgres://afk:qwert/zuiop@db.example.org/afk",
    "postgres//afk:qwertzuiop@db.example.org/afk",
    "postgres://afk:qwertz%uiop@db.example.org/afk",
    "postgres://afk:qwertzuiop@one.example.org,two.example.org/afk",
    "mysql://afk:qwertzuiop@db.example.org/afk",
  ]) {
    const { code, stdout, stderr } = await target.afk(["move", "--to", to]);
    expect(code, to).toBe(2);
    expect(stderr).toMatch(/--to: write .*; or say --to postgres, or --to sqlite/);
    expect(stdout + stderr).not.toMatch(/qwert|zuiop/);
  }
  const { code, stderr } = await target.afk(["move", "--to", "sqlite3"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--to sqlite3: write postgres");
});
