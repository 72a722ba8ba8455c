// @module-tag processes
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { deployment, digestConfig } from "../../support/afk.ts";
import { afk } from "./in-process.ts";

const PATIENCE_MS = 240_000;

it(
  "prints a calendar and a verdict, says what repeats it, and touches no state",
  async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9"));
    const { code, stdout } = await afk(target, "simulate", "--days", "1", "--seed", "4", "--faults", "none");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^DAY +TICKS/);
    expect(stdout).toContain("Everything held at each of");
    expect(stdout).toContain("afk simulate --days 1 --seed 4 --faults none");
    expect(stdout).toMatch(/The caps suffice|The daily cap is 0/);
    expect(existsSync(target.state)).toBe(false);
  },
  PATIENCE_MS,
);

it.each([
  ["--faults", "modles", "Did you mean models?"],
  ["--days", "0", "--days"],
  ["--seed", "x", "--seed"],
])("refuses %s %s", async (flag, value, words) => {
  const target = deployment(digestConfig("http://127.0.0.1:9"));
  const { code, stderr } = await afk(target, "simulate", flag, value);
  expect(code).toBe(2);
  expect(stderr).toContain(words);
});
