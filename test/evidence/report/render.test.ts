import { expect, test } from "vitest";
import { reportView } from "../../../src/cli/views/report.ts";
import { renderReportPage } from "../../../src/dashboard/report-page.ts";
import { readReport } from "../../../src/evidence/report/read-report.ts";
import { renderMarkdown } from "../../../src/evidence/report/sections.ts";
import { withHistory } from "./history.ts";
import { NOW, prepared } from "./prepared.ts";

async function report(hasHistory = true) {
  const state = await prepared();
  if (hasHistory) await withHistory(state);
  const compare = "anthropic/claude-haiku-4-5";
  return await readReport({ config: state.config, version: "1.2.3", db: state.db, nowMs: NOW, compare });
}

test("the text fits a terminal of 80 columns", async () => {
  const lines = reportView(await report());
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  const text = lines.join("\n");
  expect(text).toMatch(/dollars in +\$0\.10 +\$0\.06 of it unknown, in 1 call: afk ledger/);
  expect(text).toMatch(/2026-W46 +2026-11-09 +2 +50\.0 % +5 +\$0\.04 +\$15\.00 +\$14\.96 +375/);
  expect(text).toMatch(/2026-W45 .* free/);
  expect(text).toContain("On anthropic/claude-haiku-4-5 they would have cost $0.058");
});

test("Markdown shows text of any origin as that text", async () => {
  const markdown = renderMarkdown(await report());
  expect(markdown).toContain("the model \\| is down");
  const rows = markdown.split("\n").filter((line) => line.startsWith("|"));
  const widths = new Set(rows.map((row) => row.replaceAll("\\|", "").split("|").length));
  expect([...widths].every((width) => width > 3)).toBe(true);
});

test("the page needs nothing but itself, and has a chart of every week", async () => {
  const page = renderReportPage(await report());
  expect(page).not.toMatch(/<script|https?:\/\/|<link|<img|@import|url\(/i);
  expect(page.match(/<svg role="img"/g)).toHaveLength(2);
  expect(page).toContain("<title>2026-W46: value out $15.00, dollars in $0.04</title>");
  expect(page).toContain("prefers-color-scheme:dark");
});

test("text of any origin is no markup on the page", async () => {
  const made = await report();
  const [first] = made.incidents.newest;
  if (first !== undefined) first.title = "<img src=x onerror=alert(1)>";
  const page = renderReportPage(made);
  expect(page).not.toContain("<img");
  expect(page).toContain("&lt;img");
});

test("an agent that has done nothing yet has a report that says so", async () => {
  const empty = await report(false);
  const text = reportView(empty).join("\n");
  expect(text).toContain("No model was asked.");
  expect(text).toContain("The clock was never started");
  expect(text).toContain("Nothing to price on anthropic/claude-haiku-4-5");
  expect(text).not.toMatch(/NaN|undefined|null|Infinity/);
  expect(renderMarkdown(empty)).not.toMatch(/NaN|undefined|null|Infinity/);
  expect(renderReportPage(empty)).not.toMatch(/NaN|undefined|Infinity/);
});
