import { describe, expect, it } from "vitest";
import { issuesOf, linesOf, load } from "./support.ts";

const VALID = "agent: test\nbudget: { daily_cap_usd: 1 }\nmodels: { chain: [extractive] }\n";

describe("the YAML of the file", () => {
  it.each([
    ["a broken list", `${VALID}jobs: [1`, "line 4, column 9"],
    ["a key given twice", `${VALID}agent: other`, "line 4, column 1"],
    ["a tag of its own", `${VALID}timezone: !zone UTC`, "line 4, column 11"],
    ["a tag that runs code elsewhere", `${VALID}timezone: !!js/function "x"`, "line 4, column 11"],
    ["a binary", `${VALID}timezone: !!binary VVRD`, "line 4, column 11"],
    ["a second document", `${VALID}---\nagent: other`, "line 4, column 1"],
    ["a list as a key", `${VALID}? [a]\n: 1`, "line 4, column 3"],
    ["a tab for indentation", `${VALID}egress:\n\tallow: []`, "line 5, column 1"],
  ])("refuses %s, by line and column", (_, text, place) => {
    expect(issuesOf(text).map((issue) => issue.path)).toContain(place);
  });

  it("does not quote the broken line, which may hold a secret", () => {
    expect(linesOf(`${VALID}alerts: [{ url: https://hook.example/s3cret-token`).join()).not.toContain(
      "s3cret",
    );
  });

  it("reads plain aliases", () => {
    const config = load(`${VALID}value: { minutes_saved_per_unit: &n 5, hourly_rate_usd: *n }`);
    expect(config.value).toEqual({ minutesSavedPerUnit: 5, hourlyRateUsd: 5, minRatio: null });
  });

  it("refuses an alias without an anchor", () => {
    expect(linesOf(`${VALID}timezone: *nowhere`).join()).toContain("Unresolved alias");
  });

  it("refuses aliases that multiply", () => {
    const levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 10; i++)
      levels.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    expect(linesOf(`${VALID}${levels.join("\n")}`).join()).toContain("Excessive alias count");
  });

  it("refuses nesting without end", () => {
    expect(issuesOf(`${VALID}jobs: ${"[".repeat(20_000)}`).length).toBeGreaterThan(0);
  });

  it("refuses a merge key, which YAML 1.2 does not have", () => {
    expect(linesOf(`${VALID}breaker: { <<: { failures: 2 } }`).join()).toContain(
      'breaker["<<"]: unknown key',
    );
  });

  it("refuses keys that every object inherits", () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      expect(linesOf(`${VALID}breaker: { ${key}: { a: 1 } }`).join()).toContain(
        `breaker.${key}: unknown key`,
      );
    }
  });

  it("refuses a file larger than 1 MiB", () => {
    expect(linesOf(`${VALID}${"# filler\n".repeat(130_000)}`)).toEqual([
      "larger than 1 MiB; no configuration needs that",
    ]);
  });
});
