// @module-tag slow
import fc from "fast-check";
import { expect, it } from "vitest";
import type { JobContext } from "../../../src/jobs/job.ts";
import { toIso } from "../../../src/lib/clock.ts";
import { harness } from "../harness.ts";

const HOUR = 3_600_000;
const NAMES = ["fetch", "report", "judged"] as const;
type Name = (typeof NAMES)[number];

/** What the next attempts of a job do; the last one again and again. */
type Ends = "done" | "throws" | "nothing" | "crashes";

type Step =
  | { type: "tick"; hours: number }
  | { type: "pause"; name: Name }
  | { type: "unpause"; name: Name }
  | { type: "ends"; name: Name; how: Ends };

const name = fc.constantFrom(...NAMES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("tick" as const), hours: fc.constantFrom(0.3, 1, 1.7, 5, 26) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom("pause", "unpause"), name }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("ends" as const),
      name,
      how: fc.constantFrom<Ends>("done", "throws", "nothing", "crashes"),
    }),
  },
);

const retry = { attempts: 2, first: "1s" };
const JOBS = [
  { name: "fetch", kind: "work", every: "1h", retry },
  { name: "report", kind: "work", after: ["fetch"], retry },
  { name: "judged", kind: "work", every: "2h", expect: { units: 1 }, retry },
];
const EVERY_MS: Partial<Record<Name, number>> = { fetch: HOUR, judged: 2 * HOUR };

/** Goes through the steps with an agent, and beside it in the plainest way that says which runs there must be. */
async function goThrough(steps: readonly Step[]): Promise<void> {
  const ends: Record<Name, Ends> = { fetch: "done", report: "done", judged: "done" };
  const { agent, clock, target, alerts } = await harness(
    async (context: JobContext) => {
      const how = ends[context.name as Name];
      context.publish(`${context.name}.md`, how);
      if (how === "throws") throw new Error("it went wrong");
      if (how === "crashes") {
        // What is left of the run is what a process that died leaves: the next tick finds it orphaned.
        await agent.store.db
          .updateTable("jobs")
          .set((eb) => ({ token: eb("token", "+", 1) }))
          .where("state", "=", "running")
          .execute();
      }
      return { units: how === "nothing" ? 0 : 1, summary: how };
    },
    { jobs: JOBS },
  );
  const paused = new Set<Name>();
  const lastSlots = new Map<Name, number>();
  const keys: string[] = [];
  const followed = new Set<string>();
  const passed = new Set<string>();

  async function tick(): Promise<void> {
    const nowMs = clock.nowMs();
    for (const [job, everyMs] of Object.entries(EVERY_MS) as [Name, number][]) {
      const last = lastSlots.get(job);
      const slotMs = last === undefined ? nowMs : last + Math.floor((nowMs - last) / everyMs) * everyMs;
      if (slotMs === last || (last === undefined && paused.has(job))) continue;
      lastSlots.set(job, slotMs);
      if (!paused.has(job)) keys.push(`${job}@${toIso(slotMs)}`);
    }
    await agent.tick();
    for (const { id } of target.query<{ id: string }>(
      "select id from jobs where name = 'fetch' and state = 'done'",
    ))
      if (!passed.has(id) && !followed.has(id)) (paused.has("report") ? passed : followed).add(id);
  }

  for (const each of steps) {
    if (each.type === "ends") ends[each.name] = each.how;
    else if (each.type === "pause") {
      await agent.pause(each.name, null);
      paused.add(each.name);
    } else if (each.type === "unpause") {
      await agent.unpause(each.name);
      paused.delete(each.name);
    } else {
      clock.advance(each.hours * HOUR);
      await tick();
    }
  }

  const rows = target.query<{ key: string; name: Name; state: string; units: number }>("select * from jobs");
  const wanted = [...keys, ...[...followed].map((id) => `report@after:${id}`)];
  expect(rows.map(({ key }) => key).toSorted()).toEqual(wanted.toSorted());
  for (const { name: job, state, units } of rows) {
    if (state === "done" && job === "judged") expect(units).toBe(1);
    if (state !== "done") expect(units).toBe(0);
  }
  // What was made by an attempt that did not count is nowhere.
  const made = target.query<{ n: number }>("select count(*) as n from outputs")[0]?.n;
  expect(made).toBe(rows.filter(({ state }) => state === "done").length);
  const lettered = target.query<{ n: number }>("select count(*) as n from dead_letters")[0]?.n;
  expect(lettered).toBe(rows.filter(({ state }) => state === "dead").length);
  expect(alerts.map(({ event }) => event)).not.toContain("tick_failed");

  // In the end nothing waits that may go on.
  for (const each of NAMES) {
    ends[each] = "done";
    if (paused.has(each)) await agent.unpause(each);
    paused.delete(each);
  }
  for (let more = 0; more < 3; more++) {
    clock.advance(60_000);
    await tick();
  }
  expect(target.query("select key, state from jobs where state not in ('done', 'dead')")).toEqual([]);
}

it("every time of a job is accounted for once, whatever is paused, fails, follows or dies meanwhile", {
  timeout: 120_000,
}, async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), goThrough), {
    numRuns: 25,
  });
});
