// @module-tag processes
import type { ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { CallFailed } from "../../src/rails/call.ts";
import { grantToRun } from "../../src/rails/grant.ts";
import { guard } from "../../src/rails/guard.ts";
import { recoverCalls } from "../../src/rails/recover.ts";
import { race, startChild } from "../support/child.ts";
import { alerts, counters, entries, guardedCall, states, testRails, thrown } from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";
import type { Orders } from "./children.ts";
import { provider } from "./provider.ts";

const SCRIPT = fileURLToPath(new URL("children.ts", import.meta.url));
const CAP = 12_000;

const reply = (response: ServerResponse, costMicros: number) => {
  response.end(String(costMicros));
  return { billMicros: costMicros };
};

function orders(rails: RailsOn, url: string, more: Partial<Orders> = {}): string[] {
  const all: Orders = {
    calls: 1,
    url,
    estimateMicros: 1_000,
    caps: { day_micros: CAP },
    runner: null,
    laterMs: 0,
    ...more,
  };
  return [rails.dir, JSON.stringify(all)];
}

async function spentMicros(rails: RailsOn): Promise<number> {
  const [day = "0/0"] = Object.values(await counters(rails, "day"));
  return day.split("/").reduce((sum, part) => sum + Number(part), 0);
}

it("has the reservation on disk as sending when the server sees the request", async () => {
  const rails = await testRails();
  const seen: string[][] = [];
  const { url } = await provider(async (response) => {
    seen.push(await states(rails));
    return reply(response, 400);
  });
  expect(await race(SCRIPT, [orders(rails, url)])).toEqual([["answered"]]);
  expect(seen).toEqual([["sending"]]);
});

it("lets exactly one request out when two processes want the last call that the cap allows", async () => {
  const rails = await testRails();
  const { bill, url } = await provider((response) => reply(response, 1_000));
  const each = orders(rails, url, { caps: { day_micros: 1_000 } });
  const outcomes = await race(SCRIPT, [each, each]);
  expect(outcomes.flat().sort()).toEqual(["answered", "cap_hit"]);
  expect(bill).toEqual({ micros: 1_000, requests: 1 });
});

it("bills a run no more than its job's cap and what it was granted, and never more than the agent's, under four processes", async () => {
  const scope = { tick: null, job: "digest@1", jobName: "digest" };
  const grant = { window: "day", amount: "micros", period: "2026-11-21", cap: 4_000, extra: 4_000 } as const;
  for (const [ofAgent, most] of [
    [CAP, 8_000],
    [6_500, 6_500],
  ] as const) {
    const rails = await testRails();
    const { bill, url } = await provider((response, count) => reply(response, 600 + (count % 3) * 200));
    const owners = { job: { digest: { day_micros: 4_000 } }, client: {} };
    const more = { calls: 10, caps: { day_micros: ofAgent, owners } };
    const runs = [scope, scope, scope, { ...scope, job: "digest@2" }];
    const begun = race(
      SCRIPT,
      runs.map((each) => orders(rails, url, { ...more, scope: each })),
    );
    await rails.store.atomically((trx) =>
      grantToRun(trx, { job: "digest@1", ...grant, question_id: "q", granted_at: 1 }),
    );
    expect((await begun).flat()).toContain("cap_hit");
    expect(bill.micros).toBeLessThanOrEqual(most);
    expect(bill.micros).toBeGreaterThan(most - 1_000);
    const ledger = await entries(rails);
    const other = ledger.filter(({ job }) => job === "digest@2");
    expect(other.reduce((sum, { cost_micros }) => sum + (cost_micros ?? 0), 0)).toBeLessThanOrEqual(4_000);
    expect(await countersAgree(rails.store.db)).toEqual([]);
  }
});

it("keeps the provider's own bill within the cap, with four processes of ten calls and a provider that fails", async () => {
  const rails = await testRails();
  const { bill, url } = await provider((response, count) => {
    if (count % 5 === 0) {
      response.writeHead(503).end();
      return { billMicros: 0 };
    }
    if (count % 4 === 0) {
      response.socket?.resetAndDestroy();
      return { billMicros: 1_000 };
    }
    return reply(response, 600 + (count % 3) * 200);
  });
  const outcomes = (await race(SCRIPT, Array(4).fill(orders(rails, url, { calls: 10 })))).flat();
  expect(outcomes).toHaveLength(40);
  expect(outcomes).toContain("cap_hit");
  expect(bill.requests).toBeGreaterThan(10);
  expect(bill.micros).toBeLessThanOrEqual(CAP);
  expect(await spentMicros(rails)).toBe(bill.micros);
  expect(await countersAgree(rails.store.db)).toEqual([]);
  expect(await alerts(rails, "cap_hit")).toHaveLength(1);
});

describe("a process that is killed", () => {
  it("while the provider works leaves its call as sending, which is then unknown and stays charged", async () => {
    const rails = await testRails();
    const come = Promise.withResolvers<void>();
    const { bill, url } = await provider(() => {
      come.resolve();
      return { billMicros: 900 };
    });
    const child = await startChild(SCRIPT, orders(rails, url, { runner: "killed" }));
    const gone = thrown(child.go());
    await come.promise;
    await child.kill();
    await gone;
    expect(await states(rails)).toEqual(["sending"]);
    expect(await recoverCalls(rails, "next")).toEqual({ unknown: 1, released: 0 });
    expect(await entries(rails)).toMatchObject([{ state: "unknown", estimate_micros: 1_000 }]);
    expect(await spentMicros(rails)).toBeGreaterThanOrEqual(bill.micros);
    expect(await alerts(rails, "call_unknown")).toHaveLength(1);
  });

  it("between the gates and its first byte stays charged, since nobody can know that it did not send", async () => {
    const rails = await testRails();
    const { bill, url } = await provider((response) => reply(response, 1));
    const child = await startChild(SCRIPT, orders(rails, url, { calls: "reserve", runner: "killed" }));
    await child.go();
    await child.kill();
    expect(await states(rails)).toEqual(["sending"]);
    expect(await recoverCalls(rails, "next")).toEqual({ unknown: 1, released: 0 });
    expect(await spentMicros(rails)).toBe(1_000);
    expect(bill.requests).toBe(0);
  });

  it("again and again never spends what the next one does not know of", async () => {
    const rails = await testRails();
    let [kill, quota] = [async () => {}, 0];
    const { bill, url } = await provider(async (response) => {
      quota -= 1;
      // Before, at and after the answer, by turns: the process may be anywhere between any two of its writes.
      if (quota === 0 && bill.requests % 2 === 0) await kill();
      const billed = reply(response, 700);
      if (quota <= 0) void kill();
      return billed;
    });
    for (let n = 0; n < 5; n++) {
      const runner = `runner-${n}`;
      await recoverCalls(rails, runner);
      const child = await startChild(SCRIPT, orders(rails, url, { calls: 10, runner }));
      kill = child.kill;
      quota = 1 + (n % 3);
      await thrown(child.go());
      expect(await countersAgree(rails.store.db)).toEqual([]);
    }
    await recoverCalls(rails, "last");
    expect(bill.micros).toBeLessThanOrEqual(await spentMicros(rails));
    expect(await spentMicros(rails)).toBeLessThanOrEqual(CAP);
    expect((await states(rails)).filter((state) => state === "sending" || state === "reserved")).toEqual([]);
  });
});

it("lets one of several processes probe after the cooldown, and refuses the others while it does", async () => {
  const rails = await testRails();
  const broken = new CallFailed("wrong key", { charge: "none", trip: "now" });
  await thrown(guard(rails, guardedCall(rails, { perform: () => Promise.reject(broken) })));
  const refused = Promise.withResolvers<void>();
  const { bill, url } = await provider(async (response) => {
    await refused.promise;
    return reply(response, 1);
  });
  const children = await Promise.all(
    Array.from({ length: 4 }, () => startChild(SCRIPT, orders(rails, url, { laterMs: 300_000 }))),
  );
  let refusals = 0;
  const outcomes = await Promise.all(
    children.map(async (child) => {
      const [outcome] = (await child.go()) as string[];
      if (outcome === "breaker_open") refusals += 1;
      if (refusals === 3) refused.resolve();
      return outcome;
    }),
  );
  expect(outcomes.sort()).toEqual(["answered", "breaker_open", "breaker_open", "breaker_open"]);
  expect(bill.requests).toBe(1);
  expect(await alerts(rails, "breaker_closed")).toHaveLength(1);
});
