import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VERSION } from "../src/agent.ts";
import { openDashboard } from "../src/dashboard/server.ts";
import { jobKinds } from "../src/jobs/registry.ts";
import { readConfig } from "../src/ops/read-config.ts";
import { PREPARED_CONFIG, PREPARED_NOW, prepareDatabase } from "../test/dashboard/prepared.ts";
import { openBrowser } from "../test/support/browser.ts";

/** The pictures of the page in docs/, of the data that its tests are made of: the same each time, on the same machine. */
const PICTURES = [
  { name: "dashboard-light.png", width: 1200, height: 1180, scheme: "light", scale: 1 },
  { name: "dashboard-dark.png", width: 1200, height: 1180, scheme: "dark", scale: 1 },
  { name: "dashboard-phone.png", width: 360, height: 1400, scheme: "light", scale: 1.5 },
] as const;

const folder = process.argv[2] ?? fileURLToPath(new URL("../docs", import.meta.url));
const state = mkdtempSync(join(tmpdir(), "afk-pictures-"));
try {
  writeFileSync(join(state, "afk.yaml"), JSON.stringify({ ...PREPARED_CONFIG, dashboard: { port: 0 } }));
  await prepareDatabase(join(state, "afk.db"));
  const config = readConfig({ config: join(state, "afk.yaml"), state, environment: {} }, () => jobKinds);
  const clock = {
    nowMs: () => PREPARED_NOW,
    uptimeMs: () => 0,
    bootId: () => "pictures",
    sleep: () => new Promise<void>(() => undefined),
    idle: () => new Promise<void>(() => undefined),
  };
  const dashboard = await openDashboard({ config, version: VERSION, clock, onError: fail });
  for (const picture of PICTURES) {
    // Without script: what it says of the connection would be another thing each time.
    const browser = await openBrowser({ ...picture, hasScript: false });
    const page = await browser.context.newPage();
    await page.goto(dashboard.url);
    await page.screenshot({ path: join(folder, picture.name), fullPage: process.argv.includes("--full") });
    await browser.close();
  }
  await dashboard.close();
} finally {
  rmSync(state, { recursive: true, force: true });
}

function fail(message: string): void {
  throw new Error(message);
}
