import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";
import { browserPath } from "./system-tools.ts";

export interface BrowserOptions {
  width?: number;
  height?: number;
  scheme?: "light" | "dark";
  hasScript?: boolean;
  /** Device pixels for a pixel of the page. */
  scale?: number;
}

/** A headless browser with a profile of its own, which goes with it. It asks nothing of the network by itself. */
export async function openBrowser(
  options: BrowserOptions = {},
): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const profile = mkdtempSync(join(tmpdir(), "afk-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browserPath() ?? "chromium",
    headless: true,
    viewport: { width: options.width ?? 1200, height: options.height ?? 900 },
    deviceScaleFactor: options.scale ?? 1,
    colorScheme: options.scheme ?? "light",
    reducedMotion: "reduce",
    javaScriptEnabled: options.hasScript ?? true,
    locale: "en-GB",
    timezoneId: "UTC",
    timeout: 60_000,
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
      "--font-render-hinting=none",
    ],
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
