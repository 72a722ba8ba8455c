import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { openDashboard } from "../../src/dashboard/server.ts";
import { jobKinds } from "../../src/jobs/registry.ts";
import { readConfig } from "../../src/ops/read-config.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp.ts";
import { PREPARED_CONFIG, PREPARED_NOW, prepareDatabase } from "./prepared.ts";

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A page that is served, on a database of its own. */
export interface TestSite {
  url: string;
  port: number;
  config: Config;
  clock: FakeClock;
  /** A connection of its own that writes, as a worker would. */
  store: Store;
  errors: string[];
  /** One request, with headers as they are given: also a wrong Host. */
  ask(path: string, options?: { method?: string; headers?: Record<string, string> }): Promise<Reply>;
}

/** Serves the prepared database, or an empty one; `sections` go over the prepared afk.yaml. */
export async function testSite(
  options: { sections?: Record<string, unknown>; isEmpty?: boolean; isCalm?: boolean } = {},
): Promise<TestSite> {
  const dir = tempDir();
  const state = join(dir, "state");
  mkdirSync(state);
  const configFile = join(dir, "afk.yaml");
  const { dashboard, ...sections } = { dashboard: {}, ...options.sections };
  writeFileSync(
    configFile,
    JSON.stringify({ ...PREPARED_CONFIG, ...sections, dashboard: { port: 0, ...dashboard } }),
  );
  const config = readConfig({ config: configFile, state, environment: {} }, () => jobKinds);
  if (!options.isEmpty) await prepareDatabase(config.paths.database, { isCalm: options.isCalm ?? false });
  const store = await openStore(config.paths.database);
  const clock = fakeClock(PREPARED_NOW);
  const errors: string[] = [];
  const site = await openDashboard({
    config,
    version: "1.2.3",
    clock,
    onError: (error) => errors.push(error),
  });
  onTestFinished(async () => {
    await site.close();
    await store.close();
  });
  const port = Number(new URL(site.url).port);
  return {
    url: site.url,
    port,
    config,
    clock,
    store,
    errors,
    ask: (path, { method = "GET", headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const host = new URL(site.url).hostname.replace(/^\[|\]$/g, "");
        const request = httpRequest(
          { host, port, path, method, headers, agent: false, setHost: headers.host === undefined },
          (response) => {
            let body = "";
            response.setEncoding("utf8").on("data", (chunk: string) => {
              body += chunk;
            });
            response.once("end", () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
            );
            response.once("error", reject);
          },
        );
        request.once("error", reject).end();
      }),
  };
}

/** The page as a reader sees it: without tags, on one line. */
export function textOf(page: string): string {
  return page
    .replace(/<(style|script)>.*?<\/\1>/gs, " ")
    .replace(/<[^>]*>/g, " ")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")
    .replace(/\s+/g, " ")
    .replace(/ (?=[,.;:)])|(?<=\() /g, "");
}

/** One part of the page by its name. */
export function partOf(page: string, name: string): string {
  const from = page.indexOf(`data-part="${name}"`);
  if (from === -1) throw new Error(`the page has no part ${name}`);
  const next = page.indexOf("data-part=", from + 1);
  return page.slice(from, next === -1 ? undefined : next);
}
