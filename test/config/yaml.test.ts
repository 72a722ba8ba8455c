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

  it.each([
    ["a cron line", "jobs: [{ schedule: */15 * * * * }]", 20],
    ["another", "jobs:\n  - schedule: * * * * *", 15],
    ["a host with all its subdomains", "egress: { allow: [*.example.org] }", 19],
    ["an alias of nothing", "timezone: *nowhere", 11],
  ])("says once how a text is written that begins with a star: %s", (_name, text, column) => {
    expect(linesOf(`${VALID}${text}`)).toEqual([
      `line ${VALID.split("\n").length + text.split("\n").length - 1}, column ${column}: a text that begins with * has to stand in quotes, for example "*/15 * * * *" or "*.example.org"`,
    ]);
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

  it.each([
    ["version 1.1, in which 1:30 is 90", `%YAML 1.1\n---\n${VALID}`, "line 1, column 1", "YAML 1.1"],
    ["the second of two versions", `%YAML 1.2\n%YAML 1.1\n---\n${VALID}`, "line 2, column 1", "YAML 1.1"],
    [
      "a version that does not exist",
      `%YAML 1.3\n---\n${VALID}`,
      "line 1, column 7",
      "Unsupported YAML version",
    ],
    ["an alias to itself", `${VALID}jobs: &a [*a]`, "line 4, column 11", "an alias that stands within"],
    ["an alias to what is around it", `${VALID}jobs: &a { b: { c: *a } }`, "line 4, column 20", "an alias"],
    ["a known tag", `${VALID}value: { hourly_rate_usd: !!int 60 }`, "line 4, column 33", "found a tag"],
    ["a tag on a key", `${VALID}!!str value: {}`, "line 4, column 7", "found a tag"],
    [
      "a tag of its own prefix",
      `%TAG !e! tag:yaml.org,2002:\n---\n${VALID}value: !e!int 1`,
      "line 6, column 15",
      "found a tag",
    ],
    ["flow nested without end", `${VALID}jobs: ${"[".repeat(10_000)}`, "line 4, column", "nested too deeply"],
    [
      "flow nested too deeply",
      `${VALID}jobs: ${"[".repeat(60)}${"]".repeat(60)}`,
      "line 4, column",
      "nested too deeply",
    ],
    [
      "blocks nested too deeply",
      `${VALID}${Array.from({ length: 60 }, (_, n) => `${" ".repeat(n)}a:`).join("\n")}`,
      "line 5",
      "nested too deeply",
    ],
    ["a NUL", `${VALID}timezone: U\0TC`, "line 4, column 12", "U+0000"],
    ["UTF-16 without a mark", `a\0g\0e\0n\0t\0:\0`, "line 1, column 2", "U+0000"],
    ["an escape sequence", `${VALID}# \u001b[2J`, "line 4, column 3", "U+001B"],
    ["a key that holds what has no width", `${VALID}val\u200bue: {}`, "line 4, column 1", "U+200B"],
    ["a key that turns the direction of writing", `${VALID}"\\u202Evalue": {}`, "line 4, column 1", "U+202E"],
    ["a key in decomposed Unicode", `${VALID}mode\u0300les: {}`, "line 4, column 1", "composed form (NFC)"],
    ["a key with a selector of variants", `${VALID}value\ufe0f: {}`, "line 4, column 1", "U+FE0F"],
  ])("refuses %s, and says where", (_, text, place, message) => {
    const issues = issuesOf(text);
    expect(issues).toContainEqual({
      path: expect.stringContaining(place),
      message: expect.stringContaining(message),
    });
  });

  it.each([
    "0x10",
    "0o10",
    "010",
    "+1",
    ".5",
    "1.",
    "1e3",
    "1.0E+2",
    ".inf",
    "-.inf",
    ".nan",
    "1_000",
    "1:30",
    "yes",
    "on",
    "~",
    "0b1",
    "٣",
  ])("takes %s for no amount of money", (written) => {
    const text = `agent: test\nbudget: { daily_cap_usd: ${written} }\nmodels: { chain: [extractive] }\n`;
    expect(linesOf(text).join()).toMatch(/plain decimal number|budget\.daily_cap_usd: /);
  });

  it.each(["1", "1.50", "0.000001", "0", "20.0"])("takes %s for one", (written) => {
    const text = `agent: test\nbudget: { daily_cap_usd: ${written} }\nmodels: { chain: [extractive] }\n`;
    expect(load(text).budget.caps.day_micros).toBe(Number(written) * 1e6);
  });

  it("reads a file with a byte order mark, and one that states version 1.2", () => {
    expect(load(`\ufeff%YAML 1.2\n---\n${VALID}`).agent).toBe("test");
  });

  it("has an end with as many keys, or aliases, as fit into a file", () => {
    const keys = Array.from({ length: 20_000 }, (_, n) => `k${n}: 1`).join("\n");
    expect(issuesOf(`${VALID}${keys}`).length).toBeGreaterThan(0);
    const aliases = Array.from({ length: 20_000 }, () => "*a").join(", ");
    expect(linesOf(`${VALID}value: { minutes_saved_per_unit: &a 1 }\nx: [${aliases}]`).join()).toContain(
      "alias",
    );
  });

  it("shows what is invisible in a value or a name by its code point", () => {
    const [line] = linesOf(
      `agent: "a\u202Eb"\nbudget: { daily_cap_usd: 1 }\nmodels: { chain: [extractive] }\n`,
    );
    expect(line).toContain("<U+202E>");
    expect(line).not.toContain("\u202e");
  });
});
