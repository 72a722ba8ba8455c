import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type TestSite, testSite } from "../dashboard/site.ts";
import { type BrowserOptions, openBrowser } from "../support/browser.ts";
import { missingBrowser } from "../support/system-tools.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const LOOKS: readonly [name: string, options: BrowserOptions][] = [
  ["light", { scheme: "light", width: 1200 }],
  ["dark", { scheme: "dark", width: 1200 }],
  ["phone, light", { scheme: "light", width: 360, height: 740 }],
  ["phone, dark", { scheme: "dark", width: 360, height: 740 }],
];

let browsers: Awaited<ReturnType<typeof openBrowser>>[] = [];
const reason = missingBrowser();

beforeAll(async () => {
  if (reason === null) browsers = [await openBrowser(), await openBrowser({ hasScript: false })];
});
afterAll(async () => {
  for (const browser of browsers) await browser.close();
});
beforeEach(({ skip }) => skip(reason !== null, reason ?? ""));

interface Visit {
  page: Page;
  /** What the page complained of, and every address that it asked for. */
  complaints: string[];
  requests: string[];
}

async function visit(url: string, options: BrowserOptions = {}): Promise<Visit> {
  const context = (browsers[options.hasScript === false ? 1 : 0]?.context ??
    expect.unreachable()) as BrowserContext;
  const page = await context.newPage();
  onTestFinished(() => page.close());
  await page.setViewportSize({ width: options.width ?? 1200, height: options.height ?? 900 });
  await page.emulateMedia({ colorScheme: options.scheme ?? "light", reducedMotion: "reduce" });
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, complaints, requests };
}

async function seen(page: Page, part: string): Promise<string> {
  return (await page.locator(`[data-part="${part}"]`).innerText()).replace(/\s+/g, " ");
}

async function addTick(site: TestSite, id: string, units: number): Promise<void> {
  const now = site.clock.nowMs();
  const row = { reason: null, by_hand: 0, next_due_at: now + 600_000, version: "1", cost_micros: 0 };
  await site.store.db
    .insertInto("ticks")
    .values({ ...row, id, started_at: now, finished_at: now + 3_000, outcome: "ok", units })
    .execute();
}

test("shows the truth, asks nobody else, and complains of nothing", async () => {
  const site = await testSite();
  const { page, complaints, requests } = await visit(site.url);
  await page.locator("#live", { hasText: "Up to date" }).waitFor();
  expect(await page.title()).toBe("✗ morning-digest: Needs a person");
  expect(await page.locator("h1").innerText()).toBe("morning-digest");
  expect(await seen(page, "verdict")).toContain("1 dead job");
  expect(await seen(page, "spend")).toContain("$0.50 of $1.00");
  expect(await seen(page, "dead")).toContain("label 'needs-info' does not exist");
  // The bar of the day is half full, as drawn.
  const [bar, filled] = await Promise.all(
    [".caps div:nth-child(2) svg", ".caps div:nth-child(2) .reserved"].map((path) =>
      page.locator(path).boundingBox(),
    ),
  );
  expect(filled!.width / bar!.width).toBeCloseTo(0.5, 2);
  expect(requests.filter((address) => !address.startsWith(site.url))).toEqual([]);
  expect(complaints).toEqual([]);
});

test("shows a tick when it has run, and keeps what the reader had opened", async () => {
  const site = await testSite({ isCalm: true });
  const { page, complaints } = await visit(site.url);
  await page.locator("#live", { hasText: "Up to date" }).waitFor();
  await page.locator("summary").click();
  const opened = await page.evaluate("window.opened = document.querySelector('[data-part=spend]'); true");
  expect(opened).toBe(true);
  await addTick(site, "02live", 41);
  await page.locator('[data-part="ticks"] td', { hasText: /^41$/ }).waitFor();
  expect(await page.locator("details").getAttribute("open")).toBe("");
  // What did not change stayed as it was.
  expect(await page.evaluate("window.opened === document.querySelector('[data-part=spend]')")).toBe(true);
  expect(await seen(page, "verdict")).toContain("ok, 41 outputs");
  expect(complaints).toEqual([]);
});

test("says that what it shows is old when nothing answers any more", async () => {
  const site = await testSite({ isCalm: true });
  const { page } = await visit(site.url);
  await page.locator("#live", { hasText: "Up to date" }).waitFor();
  await page.route("**/*", (route) => route.abort());
  await addTick(site, "02gone", 1);
  await page.locator("#live.off", { hasText: "No connection: what you see is old" }).waitFor();
});

test("works without script, and loads itself again", async () => {
  const site = await testSite();
  const { page, complaints } = await visit(site.url, { hasScript: false });
  expect(await seen(page, "verdict")).toContain("Needs a person");
  expect(await seen(page, "days")).toContain("10 Nov 48");
  expect(await page.locator("meta[http-equiv=refresh]").getAttribute("content")).toBe("30");
  expect(complaints).toEqual([]);
});

test("hostile text runs nothing", async () => {
  const site = await testSite();
  const hostile = `</script><script>window.hit=1</script><img src=x onerror="window.hit=2"><svg onload=window.hit=3>`;
  await site.store.atomically(async (trx) => {
    await trx.updateTable("dead_letters").set({ error: hostile, key: hostile }).execute();
    await trx
      .updateTable("outputs")
      .set({ content: `# x\n\n## [${hostile}](javascript:window.hit=4)\n\n${hostile}` })
      .execute();
    await trx.updateTable("ticks").set({ reason: hostile }).execute();
    await trx
      .updateTable("alerts")
      .set({ payload: JSON.stringify({ title: hostile, message: hostile }) })
      .execute();
  });
  const { page, complaints, requests } = await visit(site.url);
  await page.locator("#live", { hasText: "Up to date" }).waitFor();
  await addTick(site, "02hostile", 43);
  await page.locator('[data-part="ticks"] td', { hasText: /^43$/ }).waitFor();
  expect(await page.evaluate("window.hit")).toBeUndefined();
  expect(await seen(page, "dead")).toContain(hostile);
  expect(requests.filter((address) => address.endsWith("/x"))).toEqual([]);
  expect(complaints).toEqual([]);
});

describe.each(LOOKS)("in %s", (_name, options) => {
  test.each([
    ["trouble", {}],
    ["calm", { isCalm: true }],
    ["nothing yet", { isEmpty: true }],
  ])("axe finds nothing with %s, and nothing is wider than the window", async (_state, how) => {
    const site = await testSite(how);
    const { page } = await visit(site.url, options);
    await page.locator("#live", { hasText: "Up to date" }).waitFor();
    for (const summary of await page.locator("summary").all()) await summary.click();
    await page.evaluate(AXE);
    const found = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
      violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
    };
    expect(
      found.violations.map(({ id, impact, nodes }) => [id, impact, nodes[0]?.html, nodes[0]?.failureSummary]),
    ).toEqual([]);
    const width = options.width ?? 1200;
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
  });
});

test("words without spaces do not widen a phone's page", async () => {
  const site = await testSite();
  const long = "x".repeat(900);
  await site.store.atomically(async (trx) => {
    await trx.updateTable("dead_letters").set({ key: long, error: long }).execute();
    await trx
      .updateTable("breakers")
      .set({ name: `host:${long}` })
      .where("state", "=", "open")
      .execute();
    await trx
      .updateTable("ticks")
      .set({ reason: long, outcome: "failed", units: 1_000_000, cost_micros: 123_456_789 })
      .execute();
    await trx
      .updateTable("alerts")
      .set({ payload: JSON.stringify({ title: long, message: long }) })
      .execute();
    await trx
      .updateTable("outputs")
      .set({ content: `# x\n\n## [${long}](https://example.org/${long})` })
      .execute();
  });
  const { page } = await visit(site.url, { width: 360, height: 740 });
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
});
