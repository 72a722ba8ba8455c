// @module-tag processes
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Deployment, deployment } from "../../support/afk.ts";
import { afk, tick } from "./in-process.ts";

async function worked(): Promise<Deployment> {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [
      { name: "note", kind: "exec", every: "4h", command: ["true"], units: 2, minutes_saved_per_unit: 15 },
    ],
  });
  await tick(target);
  return target;
}

test("says what was done and what it was worth", async () => {
  const { code, stdout } = await afk(await worked(), "report");
  expect(code).toBe(0);
  expect(stdout).toMatch(/value out +\$30\.00 +2 units, 30 min saved at \$60 an hour/);
  expect(stdout).toMatch(/^note +2 saves +1 +2 +15 +\$0 +\$30\.00 +\$30\.00 +free$/m);
});

test("JSON has integers of micro-dollars and instants that other programs read", async () => {
  const target = await worked();
  const { stdout } = await afk(target, "report", "--json");
  const report = JSON.parse(stdout);
  expect(report.total).toMatchObject({ units: 2, costMicros: 0, savedMicros: 30_000_000, ratio: null });
  expect(new Date(report.from).toISOString()).toBe(report.from);
  expect((await afk(target, "report", "--format", "json")).stdout).toContain('"savedMicros": 30000000');
});

test.each([
  ["markdown", "# test-agent: "],
  ["html", "<!doctype html>"],
])("--format %s goes to a file, whole", async (format, start) => {
  const target = await worked();
  const file = join(target.dir, "report");
  const { code, stdout } = await afk(target, "report", "--format", format, "--output", file);
  expect([code, stdout]).toEqual([0, ""]);
  expect(readFileSync(file, "utf8").startsWith(start)).toBe(true);
  expect(existsSync(`${file}.part`)).toBe(false);
});

test("drafts a retrospective into runs/, and another beside it", async () => {
  const target = await worked();
  await afk(target, "report", "--retrospective");
  const { stdout } = await afk(target, "report", "--retrospective", "--json");
  expect(JSON.parse(stdout)).toEqual({ path: join(target.state, "runs", "RETROSPECTIVE-2.md") });
});

test.each([
  [["--since", "soon"], "--since soon is no time"],
  [["--since", "2026-11-21", "--until", "2026-11-20"], "--since must be before --until"],
  [["--format", "html", "--json"], "exclude each other"],
  [["--retrospective", "--output", "x"], "takes no --format"],
])("refuses %j", async (words, message) => {
  const { code, stderr } = await afk(await worked(), "report", ...words);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test("refuses to compare with a model whose price is not known", async () => {
  const { code, stderr } = await afk(await worked(), "report", "--compare", "openai/no-such-model");
  expect(code).toBe(78);
  expect(stderr).toContain("models.prices");
});

test("writes DEMO.md of this deployment, anew each time", async () => {
  const target = await worked();
  await afk(target, "report", "--demo");
  const { code, stdout } = await afk(target, "report", "--demo");
  const path = join(target.state, "runs", "DEMO.md");
  expect([code, stdout]).toEqual([0, `wrote ${path}\n`]);
  const text = readFileSync(path, "utf8");
  expect(text).toMatch(/\| note \| exec \| every 4 h \| .+ \| done: /);
  expect(text).toContain("| not yet | never fired here | - | `afk drill cap` |");
  expect((await afk(target, "report", "--demo", "--format", "html")).code).toBe(2);
});

test("sets free weeks beside paid ones, and says where there are none", async () => {
  const { stdout } = await afk(await worked(), "report", "--compare-weeks");
  expect(stdout).toMatch(/Free weeks beside paid ones\n[\s\S]*No such week cost nothing/);
});
