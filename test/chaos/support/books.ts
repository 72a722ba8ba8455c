import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import { chargedMicros as chargedBy } from "../../../src/faults/oracles/inspect.ts";
import { type Deployment, digestConfig } from "../../support/afk.ts";

/** USD per million tokens, as afk.yaml states it and as the provider bills it. */
const PRICES = { "ollama/test-model": { input: 1, output: 2 } };
export const PRICE = { input: 1, output: 2, cacheRead: 1, cacheWrite: 1 };

/** A digest whose model has a price. */
export function pricedDigest(url: string, dailyCapUsd = 1): Record<string, unknown> {
  return digestConfig(url, { budget: { daily_cap_usd: dailyCapUsd }, models: { prices: PRICES } });
}

/** What the ledger charges; nothing where there is no ledger yet. */
export function chargedMicros(target: Deployment): number {
  if (!existsSync(join(target.state, "afk.db")) || !hasTable(target, "ledger")) return 0;
  return chargedBy(target.state);
}

export function hasTable(target: Deployment, table: string): boolean {
  return target.query("select 1 from sqlite_master where name = ?", table).length > 0;
}

/** Requests that were made more than once. */
export function askedAgain(server: Pick<ModelEndpoint, "requests">): number {
  return server.requests.length - new Set(server.requests.map(({ body }) => body)).size;
}
