import { expect } from "vitest";
import { REQUEST_FILE, TRAFFIC_FILE } from "../../support/engine/model/state.ts";
import type { ModelRequest } from "../../support/engine/model.ts";
import { eventually } from "../systemd/eventually.ts";
import type { Deployment } from "./deployment.ts";
import { BOUND_USD, COST_USD } from "./digest.ts";

export interface LedgerLine {
  id: string;
  model: string;
  state: "reserved" | "sending" | "settled" | "released" | "unknown";
  estimateMicros: number;
  costMicros: number | null;
  degraded: boolean;
  step: string | null;
}

/** What an audit needs of an agent, wherever its containers are. */
export type Audited = Pick<Deployment, "sh" | "ask"> & { model: Pick<Deployment["model"], "inModel"> };

/** The bodies of the calls that the model has taken, in order. */
export async function callsOf({ model }: Audited): Promise<string[]> {
  const requests = (await linesOf(model, REQUEST_FILE)) as ModelRequest[];
  return requests.filter(({ path }) => path === "/api/chat").map(({ body }) => body);
}

/** How many connections and pieces of requests have reached the model. */
export async function trafficOf({ model }: Audited): Promise<number> {
  return (await linesOf(model, TRAFFIC_FILE)).length;
}

/** When the last of them came, by the engine's clock. */
export async function lastByteAt({ model }: Audited): Promise<number> {
  const pieces = (await linesOf(model, TRAFFIC_FILE)) as { at: number }[];
  return Math.max(...pieces.map(({ at }) => at));
}

/** Without starting Node in the model's container, since tests ask again and again. */
async function linesOf({ inModel }: Audited["model"], file: string): Promise<unknown[]> {
  const text = await inModel(["sh", "-c", `if [ -e ${file} ]; then cat ${file}; fi`]);
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

export async function calledTimes(deployment: Audited, count: number): Promise<void> {
  await eventually(`the model takes ${count} calls`, async () => (await callsOf(deployment)).length >= count);
}

/** Names of the published digests, and their text. */
export async function digestsOf({ sh }: Audited): Promise<{ names: string[]; text: string }> {
  const names = (await sh("ls /data/out 2>/dev/null | grep '[.]md$' || true")).split("\n").filter(Boolean);
  return { names, text: await sh("cat /data/out/*.md 2>/dev/null || true") };
}

export async function digestIsThere(deployment: Audited, count = 1): Promise<void> {
  const isSo = async () => (await digestsOf(deployment)).names.length >= count;
  await eventually(`${count} digests are published`, isSo);
}

/** How often each of the inbox's items stands in the digests: once, or the number is in the answer. */
export function itemsNotOnce(text: string, count: number): Record<string, number> {
  const wrong: Record<string, number> = {};
  for (let n = 1; n <= count; n++) {
    const times = [...text.matchAll(new RegExp(`^## Item ${n} says`, "gm"))].length;
    if (times !== 1) wrong[`item ${n}`] = times;
  }
  return wrong;
}

export interface Books {
  calls: number;
  /** Calls that were made more than once. */
  again: number;
  settled: number;
  unknown: number;
  billUsd: number;
  chargedUsd: number;
}

/**
 * Compares what the model was asked with what the ledger says: every call has its line, only a call of unknown end was made
 * again, the unknown ones are stated, and the provider's bill is covered.
 */
export async function expectBooksRight(deployment: Audited): Promise<Books> {
  const bodies = await callsOf(deployment);
  const lines = await deployment.ask<LedgerLine[]>(["ledger", "list", "--limit", "1000"]);
  const settled = lines.filter(({ state }) => state === "settled");
  const unknown = lines.filter(({ state }) => state === "unknown");
  const again = bodies.length - new Set(bodies).size;
  expect({ calls: bodies.length, again }).toEqual({
    calls: settled.length + unknown.length,
    again: unknown.length,
  });
  expect(lines.filter(({ state }) => state === "reserved" || state === "sending")).toEqual([]);
  const status = await deployment.ask<{ unknown: { calls: number; usd: number } }>(["status"]);
  expect(status.unknown.calls).toBe(unknown.length);
  expect(status.unknown.usd).toBeCloseTo(unknown.length * BOUND_USD);
  // Whatever was worked on is billed, answered or not.
  const billUsd = bodies.length * COST_USD;
  const charged = [...settled, ...unknown].map(
    ({ costMicros, estimateMicros }) => costMicros ?? estimateMicros,
  );
  const chargedUsd = charged.reduce((sum, micros) => sum + micros, 0) / 1e6;
  expect(chargedUsd).toBeGreaterThanOrEqual(billUsd - 1e-9);
  return {
    calls: bodies.length,
    again,
    settled: settled.length,
    unknown: unknown.length,
    billUsd,
    chargedUsd,
  };
}
