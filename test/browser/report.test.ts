import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { renderReportPage } from "../../src/dashboard/report-page.ts";
import { readReport } from "../../src/evidence/report/read-report.ts";
import { withHistory } from "../evidence/report/history.ts";
import { NOW, prepared } from "../evidence/report/prepared.ts";
import { openBrowser } from "../support/browser.ts";
import { missingBrowser } from "../support/system-tools.ts";

let browser: Awaited<ReturnType<typeof openBrowser>> | undefined;
const reason = missingBrowser();

beforeAll(async () => {
  if (reason === null) browser = await openBrowser({ width: 360, height: 740 });
});
afterAll(() => browser?.close());
beforeEach(({ skip }) => skip(reason !== null, reason ?? ""));

test("on a phone a report is no wider than the window, and no cell of it is a column of letters", async () => {
  const state = await prepared();
  await withHistory(state);
  const report = await readReport({
    config: state.config,
    version: "1.2.3",
    db: state.db,
    nowMs: NOW,
  });
  const page = (await browser?.context.newPage()) ?? expect.unreachable();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.setContent(renderReportPage(report));
  const width = await page.evaluate<number>("document.documentElement.scrollWidth");
  const cells = await page.locator("th,td").all();
  const tall = [];
  for (const cell of cells)
    if (((await cell.boundingBox())?.height ?? 0) > 100) tall.push(await cell.textContent());
  expect(cells.length).toBeGreaterThan(40);
  expect(width).toBeLessThanOrEqual(360);
  expect(tall).toEqual([]);
});
