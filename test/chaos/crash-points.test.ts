import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { findBreaches } from "../../src/faults/oracles/inspect.ts";
import { type Deployment, deployment, digestConfig, fillInbox } from "../support/afk.ts";
import { patience, report } from "../support/chaos.ts";

const ITEMS = 2;
const PRICES = { "ollama/test-model": { input: 1, output: 2 } };
const PRICE = { input: 1, output: 2, cacheRead: 1, cacheWrite: 1 };
const PRELOAD = fileURLToPath(new URL("./support/crash-preload.ts", import.meta.url));
/** Processes at a time: what this machine has cores. */
const LANES = 2;
/** Commits of a tick that another one may join: one for each sending of its alert. */
const SHARED = 2;

interface Trial {
  target: Deployment;
  server: ModelEndpoint;
  alerts: string[];
  log: string;
}

it(
  "is right again after a kill before and after every durable step of a tick, and of the tick that mends it",
  async () => {
    const plain = await prepare();
    expect((await tick(plain, "")).code).toBe(0);
    const steps = stepsOf(plain);
    const bill = plain.server.billMicros(PRICE);
    checkEnd(plain, { bill, crashes: 0 });
    for (const wanted of ["jobs", "ledger", "steps", "rename digest", "alert_deliveries", "outputs"]) {
      expect(steps.some((step) => step.includes(wanted))).toBe(true);
    }

    const points = steps.flatMap((_step, index) => [`${index + 1}:before`, `${index + 1}:after`]);
    let killed = 0;
    const queue = points.values();
    const lane = async () => {
      for (const point of queue) if (await crashTwice(point, bill, steps)) killed += 1;
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    report("crash points", killed, `${steps.length} durable steps, each before and after, twice`);
    // What an alert's sending writes may share the commit of a call that ends then, so the last steps are not in every run.
    expect(killed).toBeGreaterThanOrEqual(points.length - 2 * SHARED);
  },
  patience({ test: 600_000, chaos: 900_000 }),
);

/**
 * Killed at the point, and again at the same point of the tick after; the third tick must find all well. Whether anything
 * was killed: only a run that had fewer steps than the plain one may say no.
 */
async function crashTwice(point: string, bill: number, steps: string[]): Promise<boolean> {
  const trial = await prepare();
  try {
    let crashes = 0;
    for (let run = 0; run < 2; run++) {
      const exit = await tick(trial, point);
      if (exit.signal === "SIGKILL") crashes += 1;
      else {
        expect(exit.code, exit.stderr).toBe(0);
        expect(stepsOf(trial).length, "its steps, none of which killed it").toBeLessThan(
          Number.parseInt(point, 10),
        );
      }
    }
    expect((await tick(trial, "")).code).toBe(0);
    checkEnd(trial, { bill, crashes });
    return crashes > 0;
  } catch (error) {
    const step = steps[Number.parseInt(point, 10) - 1];
    throw new Error(`killed at ${point} (${step}): ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    await trial.server.close();
  }
}

function checkEnd(trial: Trial, { bill, crashes }: { bill: number; crashes: number }): void {
  const { target, server, alerts } = trial;
  // Nothing lost, nothing twice: one digest, each item in it once, no temporary file left.
  const outputs = target.outputs();
  expect(Object.keys(outputs).map((name) => name.replace(/\d{4}-\d\d-\d\d/, "DATE"))).toEqual([
    "digest-DATE.html",
    "digest-DATE.md",
  ]);
  const markdown = Object.values(outputs)[1] ?? "";
  expect([...markdown.matchAll(/^## Title of (\S+)$/gm)]).toHaveLength(ITEMS);
  expect(target.query("select state, count(*) as n from jobs group by state")).toEqual([
    { state: "done", n: 1 },
  ]);
  expect(target.query("select name from outputs where state = 'pending'")).toEqual([]);

  // Never buys twice: beyond the bill without a crash there is at most the one call a crash made unknown.
  const unknown = target.query<{ n: number; micros: number }>(
    "select count(*) as n, coalesce(sum(estimate_micros), 0) as micros from ledger where state = 'unknown'",
  )[0]!;
  expect(unknown.n).toBeLessThanOrEqual(crashes);
  expect(server.requests.length).toBeLessThanOrEqual(ITEMS + 1 + unknown.n);
  const settled = target.query<{ micros: number }>(
    "select coalesce(sum(cost_micros), 0) as micros from ledger where state = 'settled'",
  )[0]!;
  expect(settled.micros).toBe(bill);
  // Unknown is spent: what the provider billed is never more than what the ledger holds.
  expect(server.billMicros(PRICE)).toBeLessThanOrEqual(settled.micros + unknown.micros);
  expect(target.query("select id from ledger where state in ('reserved', 'sending')")).toEqual([]);

  // Each alert is one row. A crash before the sending leaves it to a later try, one between sending and noting it may
  // repeat the message, under the same key.
  const keys = target.query<{ key: string }>("select key from alerts").map(({ key }) => key);
  const waiting = target
    .query<{ key: string }>(
      "select key from alerts join alert_deliveries on alert_id = id where state = 'pending' and attempts < 5",
    )
    .map(({ key }) => key);
  if (crashes === 0) expect(waiting).toEqual([]);
  expect(new Set([...alerts, ...waiting])).toEqual(new Set(keys));
  expect(alerts.length).toBeLessThanOrEqual(keys.length + crashes);
  expect(findBreaches(target.state)).toEqual([]);
}

async function prepare(): Promise<Trial> {
  const server = await startModelEndpoint("ollama");
  onTestFinished(() => server.close());
  const alerts: string[] = [];
  const receiver = createServer((request, response) => {
    alerts.push(decodeURIComponent(String(request.headers["idempotency-key"])));
    request.resume().on("end", () => response.end("ok"));
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void receiver.close());
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const target = deployment(
    digestConfig(server.url, {
      // A threshold that the first call crosses, so that a run without a crash sends an alert too.
      budget: { warning_thresholds: [0.0001] },
      models: { prices: PRICES },
      rest: { alerts: [{ type: "webhook", url }] },
    }),
  );
  fillInbox(target, ITEMS);
  return { target, server, alerts, log: join(target.dir, "steps.log") };
}

function tick(trial: Trial, point: string) {
  trial.target.write("steps.log", "");
  return trial.target.afk(["tick"], {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    CRASH_LOG: trial.log,
    CRASH_AT: point,
  });
}

function stepsOf(trial: Trial): string[] {
  return readFileSync(trial.log, "utf8").trim().split("\n");
}
