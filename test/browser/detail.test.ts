import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { PREPARED_NOW } from "../dashboard/prepared.ts";
import { type TestSite, testSite } from "../dashboard/site.ts";
import { openBrowser } from "../support/browser.ts";
import { missingBrowser } from "../support/system-tools.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser: Awaited<ReturnType<typeof openBrowser>> | undefined;
const reason = missingBrowser();

beforeAll(async () => {
  if (reason === null) browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
});
beforeEach(({ skip }) => skip(reason !== null, reason ?? ""));

async function visit(url: string, width = 1200): Promise<{ page: Page; complaints: string[] }> {
  const page = await ((browser?.context ?? expect.unreachable()) as BrowserContext).newPage();
  onTestFinished(() => page.close());
  await page.setViewportSize({ width, height: 844 });
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  await page.locator("#live", { hasText: "Up to date" }).waitFor();
  return { page, complaints };
}

/** The prepared state with a log of the last tick that worked. */
async function loggedSite(): Promise<{ site: TestSite; tick: string }> {
  const site = await testSite();
  const tick = await site.store.db
    .selectFrom("ticks")
    .select(["id", "started_at"])
    .where("outcome", "=", "ok")
    .orderBy("started_at", "desc")
    .limit(1)
    .executeTakeFirstOrThrow();
  const job = "digest@2026-11-21T05:00:00.000Z";
  await site.store.db
    .updateTable("jobs")
    .set({ updated_at: tick.started_at + 10 })
    .where("key", "=", job)
    .execute();
  const lines = [
    { event: "tick_started", version: "0.1.0" },
    { event: "job_started", job, name: "digest", attempt: 1 },
    { event: "source_failed", level: "warn", job, source: "x".repeat(300), error: "answered 503" },
    { event: "tick_finished", outcome: "ok", units: 3, durationMs: 48_000 },
  ].map((line, at) => ({
    level: "info",
    ...line,
    tick: tick.id,
    ts: new Date(tick.started_at + at).toISOString(),
  }));
  mkdirSync(site.config.paths.logs, { recursive: true });
  writeFileSync(
    join(site.config.paths.logs, `afk-${new Date(PREPARED_NOW).toISOString().slice(0, 10)}.jsonl`),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  return { site, tick: tick.id };
}

test("a reader goes from the page to a tick, to the run that it began, to its digest, and back", async () => {
  const { site } = await loggedSite();
  const { page, complaints } = await visit(site.url);
  await page.locator('[data-part="ticks"] a').first().click();
  expect(await page.locator("h1").innerText()).toBe("Tick, 10:00");
  await page.locator('[data-part="runs"] a').click();
  expect(await page.locator("h1").innerText()).toBe("digest, 06:00");
  expect(await page.locator('[data-part="trace"]').innerText()).toContain("source failed");
  await page.locator('[data-part="result"] a').first().click();
  expect(await page.locator("h1").innerText()).toBe("Digest for 2026-11-21");
  await page.getByRole("navigation").getByRole("link").click();
  expect(await page.locator("h1").innerText()).toBe("morning-digest");
  expect(complaints).toEqual([]);
});

describe("a command", () => {
  test("is copied by the button beside it, and the page goes on being renewed", async () => {
    const site = await testSite();
    await browser?.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const { page, complaints } = await visit(site.url);
    const button = page.locator('[data-part="dead"]').getByRole("button");
    await button.click();
    await page.locator('[data-part="dead"] button', { hasText: "Copied" }).waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe("afk dead show 01dead");
    // What did not change is left in place, buttons and all.
    await page.evaluate("window.kept = document.querySelector('[data-part=dead]')");
    site.clock.advance(20_000);
    await page.waitForResponse((response) => response.status() === 200);
    expect(await page.evaluate("window.kept === document.querySelector('[data-part=dead]')")).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("is selected where copying is not allowed", async () => {
    const site = await testSite();
    const { page } = await visit(site.url);
    await page.evaluate(
      "Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.execCommand = () => false",
    );
    await page.locator('[data-part="dead"]').getByRole("button").click();
    await page.locator('[data-part="dead"] button', { hasText: "Selected" }).waitFor();
    expect(await page.evaluate("String(getSelection())")).toBe("afk dead show 01dead");
  });
});

test("a phone shows what needs a person before the figures", async () => {
  const site = await testSite();
  const { page } = await visit(site.url, 390);
  const top = async (path: string) => (await page.locator(path).first().boundingBox())?.y ?? 0;
  const order = [
    ".headline",
    ".findings",
    ".verdict .facts",
    '[data-part="dead"]',
    '[data-part="digest"]',
    '[data-part="spend"]',
  ];
  const tops = await Promise.all(order.map(top));
  expect(tops).toEqual(tops.toSorted((a, b) => a - b));
});

test.each([1200, 390])(
  "axe finds nothing on the pages of one thing, %i wide, and nothing is wider",
  async (width) => {
    const { site, tick } = await loggedSite();
    await site.store.db
      .updateTable("jobs")
      .set({ error: `${"x".repeat(400)}\n  at line 2` })
      .where("id", "=", "01dead")
      .execute();
    for (const path of [
      "jobs/01dead",
      "jobs/01digest",
      `ticks/${tick}`,
      "files/",
      "files/digest-2026-11-21.md",
    ]) {
      const { page, complaints } = await visit(new URL(path, site.url).href, width);
      await page.evaluate(AXE);
      const found = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
        violations: { id: string; nodes: { html: string }[] }[];
      };
      expect(found.violations.map(({ id, nodes }) => [path, id, nodes[0]?.html])).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(complaints).toEqual([]);
    }
  },
);
