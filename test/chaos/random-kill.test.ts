import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findBreaches } from "../../src/faults/oracles/inspect.ts";
import { COMPILE_CACHE, type Deployment, deployment, digestConfig, ollama } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";

const WORKER = fileURLToPath(new URL("./support/note-worker.ts", import.meta.url));
const PRICES = { "ollama/test-model": { input: 1, output: 2 } };
const PRICE = { input: 1, output: 2, cacheRead: 1, cacheWrite: 1 };
const NOTES_PER_RUN = 4;

it(
  "loses no accepted job and doubles none, and buys nothing twice that was recorded, however often it is killed",
  async () => {
    const kills = cases({ test: 60, chaos: 5_000 });
    const { random } = seededRandomness(chaosSeed("random kills"));
    const server = await ollama([], { type: "slow", everyMs: 2 });
    const target = deployment(
      digestConfig(server.url, {
        budget: { daily_cap_usd: 1_000 },
        models: { prices: PRICES },
        // On a fast machine they are a burst, which the breaker is there to stop, and not here.
        breaker: { calls_per_minute: 100_000 },
        // A job that is killed again and again is dead after its attempts, which is right, and not what is tried here.
        job: { name: "note", kind: "note", every: undefined, sources: undefined, retry: { attempts: 100 } },
      }),
    );
    let killed = 0;
    for (let run = 0; run < kills; run++) {
      // Now and then while it starts; mostly somewhere in its work.
      const when = { isStarted: random() < 0.9, afterMs: random() * 400 };
      const isKilled = await runAndKill(target, run * NOTES_PER_RUN, when);
      if (isKilled) killed += 1;
    }
    expect(await runAndKill(target, 0, null)).toBe(false);
    checkEnd(
      target,
      server.requests.map(({ body }) => body),
      server.billMicros(PRICE),
    );
    report("random kills", killed, `${kills} runs, ${acknowledged(target).length} jobs accepted`);
  },
  patience({ test: 300_000, chaos: 6 * 3_600_000 }),
);

/** True when the process was killed before it was done. */
async function runAndKill(
  target: Deployment,
  first: number,
  when: { isStarted: boolean; afterMs: number } | null,
): Promise<boolean> {
  const args = [
    WORKER,
    target.configFile,
    target.state,
    join(target.dir, "acks"),
    String(first),
    String(NOTES_PER_RUN),
  ];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", ...COMPILE_CACHE },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<[number | null, string | null]>((resolve) =>
    child.once("close", (code, signal) => resolve([code, signal])),
  );
  const started = new Promise((resolve) => child.stdout.once("data", resolve));
  if (when !== null) {
    if (when.isStarted) await Promise.race([ended, started]);
    await Promise.race([ended, delay(when.afterMs)]);
    child.kill("SIGKILL");
  }
  const [code, signal] = await ended;
  expect(signal === "SIGKILL" || code === 0, stderr).toBe(true);
  return signal === "SIGKILL";
}

function acknowledged(target: Deployment): string[] {
  const file = join(target.dir, "acks");
  return existsSync(file) ? [...new Set(readFileSync(file, "utf8").trim().split("\n"))] : [];
}

function checkEnd(target: Deployment, bodies: string[], billMicros: number): void {
  // Every accepted job is done, and its file is there once.
  const keys = acknowledged(target);
  const done = target
    .query<{ key: string }>("select key from jobs where state = 'done'")
    .map(({ key }) => key);
  expect(done).toEqual(expect.arrayContaining(keys));
  expect(target.query("select key from jobs where state <> 'done'")).toEqual([]);
  expect(Object.keys(target.outputs()).sort()).toEqual(done.map((key) => `${key}.txt`).sort());

  // Each prompt was paid for once; what more was asked of the model is known as unknown, prompt by prompt.
  const asked = new Map<string, number>();
  for (const body of bodies) asked.set(body, (asked.get(body) ?? 0) + 1);
  const unknown = target.query<{ n: number; micros: number }>(
    "select count(*) as n, coalesce(sum(estimate_micros), 0) as micros from ledger where state = 'unknown'",
  )[0]!;
  const extra = [...asked.values()].reduce((sum, times) => sum + times - 1, 0);
  expect(asked.size).toBe(2 * done.length);
  expect(extra).toBeLessThanOrEqual(unknown.n);
  const settled = target.query<{ n: number; micros: number }>(
    "select count(*) as n, coalesce(sum(cost_micros), 0) as micros from ledger where state = 'settled'",
  )[0]!;
  expect(settled.n).toBe(2 * done.length);
  expect(billMicros).toBeLessThanOrEqual(settled.micros + unknown.micros);

  expect(findBreaches(target.state)).toEqual([]);
}
