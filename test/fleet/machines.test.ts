// @module-tag processes
// @module-tag slow
import { describe, expect, it } from "vitest";
import { until } from "../support/postgres/until.ts";
import { type Fleet, fleet, type Member } from "./support/fleet.ts";
import type { Fault } from "./support/plant.ts";

/** Leases are those of users: 15 s for a machine, 30 s for a job. */
const PATIENCE = { timeout: 240_000 };

interface Entry {
  runner: string;
  state: string;
  cost_micros: number | null;
  estimate_micros: number;
}

const entries = (at: Fleet) => at.query<Entry>("select * from ledger order by id");
const job = async (at: Fleet) => (await at.query("select state, attempts, token, runner from jobs"))[0];

/** As the recovery of one machine goes: whoever holds a lock takes everybody else for dead. */
const BY_LOCK: Fault = {
  file: "queue/recover.ts",
  text: "if (former === null) return isOthers;",
  fault: "return isOthers;",
};
const CALLS_BY_LOCK: Fault = {
  file: "rails/recover.ts",
  text: "if (machine === null)",
  fault: "if (true)",
};
/** As if a machine that was away noticed nothing: neither its renewals, nor the gate, nor the last look. */
const GOES_ON: Fault[] = [
  {
    file: "runner/machines/keep-part.ts",
    text: "if (found === undefined) throw new MachineLost(LOST);",
    fault: "if (found === undefined) return RENEW_MS;",
  },
  {
    file: "rails/machine.ts",
    text: "if (machine === null || runner === null || claim == null) return null;",
    fault: "return null;",
  },
  { file: "rails/machine.ts", text: "if (!holds) throw", fault: "if (false) throw" },
  {
    file: "runner/job/run-job.ts",
    text: "await store.atomically((trx) => extend(trx, job, clock.nowMs()));",
    fault: "void [store, clock, extend];",
  },
];
/** As if whoever comes later had its machine's part. */
const TAKES_IT: Fault = {
  file: "runner/machines/take-part.ts",
  text: "if (found !== undefined && isLive(found, nowMs) && !isGone(found, self)) return found;",
  fault: "",
};

describe("a machine that is suspended past two leases", PATIENCE, () => {
  /** Suspends `a` while it holds a job, until another machine has done it; gives what became of it when it goes on. */
  async function suspended(at: Fleet, a: Member): Promise<{ code: number | null; asked: number }> {
    a.kill("SIGSTOP");
    at.letGo("b");
    const b = at.start("b");
    await b.logged("job_done");
    await until("the machine is marked as lost", async () =>
      (await at.query("select lost_at from machines")).some(({ lost_at }) => lost_at !== null),
    );
    const before = at.model.requests.length;
    at.letGo("a");
    a.kill("SIGCONT");
    const code = await a.ended;
    return { code, asked: at.model.requests.length - before };
  }

  it("neither buys nor finishes when it goes on", async () => {
    const at = await fleet();
    const a = at.start("a");
    await a.logged("thinking");
    const { code, asked } = await suspended(at, a);
    expect(code).toBe(69);
    expect(asked).toBe(0);
    expect(await job(at)).toMatchObject({ state: "done", attempts: 2, token: 2 });
    expect(await at.query("select name, content from outputs")).toEqual([
      { name: "thoughts.md", content: "Thought on b.\n" },
    ]);
    const all = await entries(at);
    expect(all.map(({ state }) => state)).toEqual(["settled", "settled"]);
    expect(all.reduce((sum, { cost_micros }) => sum + Number(cost_micros), 0)).toBe(at.bill());
    expect(await at.query("select event from alerts where event = 'machine_lost'")).toHaveLength(1);
  });

  /** Suspends `a` in its job until `b` has it in hand, and lets `a` go on. */
  async function overtaken(faults: readonly Fault[]) {
    const at = await fleet();
    const a = at.start("a", faults);
    await a.logged("thinking");
    a.kill("SIGSTOP");
    // It has not bought yet what comes next: a step that is recorded is not bought again in any case.
    await at.start("b").logged("thinking");
    const before = at.model.requests.length;
    at.letGo("a");
    a.kill("SIGCONT");
    return { a, asked: () => at.model.requests.length - before };
  }

  it("buys nothing while another has its job in hand", async () => {
    const { a, asked } = await overtaken([]);
    expect(await a.ended).toBe(69);
    expect(asked()).toBe(0);
  });

  it("would buy once more, if neither its leases nor its claim were looked at", async () => {
    const { asked } = await overtaken(GOES_ON);
    await until("it asks again", () => asked() > 0);
  });

  it("leaves the call that it had under way charged, and the bill is what the ledger says", async () => {
    const at = await fleet();
    const answer = Promise.withResolvers<void>();
    at.model.script([{ type: "reply", gate: () => answer.promise }]);
    const a = at.start("a");
    await at.model.request(1);
    // Its answer is on the way while it cannot read it.
    setTimeout(() => answer.resolve(), 1_000);
    const { code, asked } = await suspended(at, a);
    expect(code).toBe(69);
    expect(asked).toBe(0);
    expect(await job(at)).toMatchObject({ state: "done", attempts: 2, token: 2 });
    const [first, ...others] = await entries(at);
    expect(others.map(({ state }) => state)).toEqual(["settled", "settled"]);
    const ofOthers = others.reduce((sum, { cost_micros }) => sum + Number(cost_micros), 0);
    expect(ofOthers).toBe(at.bill(at.model.bill.slice(1)));
    // It may have read the answer before it was told to end, or not.
    expect(["settled", "unknown"]).toContain(first?.state);
    const charged = Number(first?.cost_micros ?? first?.estimate_micros);
    const billed = at.bill(at.model.bill.slice(0, 1));
    if (first?.state === "settled") expect(charged).toBe(billed);
    else expect(charged).toBeGreaterThanOrEqual(billed);
  });
});

describe("a machine that is killed", PATIENCE, () => {
  it("leaves its job to another within 35 s, and its call charged until its deadline", async () => {
    const at = await fleet();
    at.model.script([{ type: "hang" }]);
    const a = at.start("a");
    await at.model.request(1);
    const b = at.start("b");
    await b.logged("tick_finished");
    a.kill("SIGKILL");
    const killedMs = performance.now();
    at.letGo("b");
    await at.model.request(2);
    const tookMs = performance.now() - killedMs;
    // On a machine that does other things besides some seconds more are no fault.
    expect(tookMs).toBeLessThan(45_000);
    await b.logged("job_done");
    const [call] = await entries(at);
    expect(call).toMatchObject({ state: "sending" });
    expect(await job(at)).toMatchObject({ state: "done", attempts: 2 });
    // As if its deadline had passed; the next tick looks.
    await at.query("update ledger set deadline_at = deadline_at - 3600000 where state = 'sending'");
    b.kill("SIGTERM");
    expect(await b.ended).toBe(0);
    await at.start("b").logged("recovered");
    expect((await entries(at))[0]).toMatchObject({ state: "unknown", cost_micros: null });
  });

  it("takes its part again at once, and its job with it", async () => {
    const at = await fleet();
    const a = at.start("a");
    await a.logged("thinking");
    const [before] = await at.query("select id, runner from machines");
    a.kill("SIGKILL");
    await a.ended;
    at.letGo("a");
    const again = at.start("a");
    await again.logged("job_done");
    expect(again.events).not.toContain("machine_waits");
    const [after] = await at.query("select id, runner from machines");
    expect(after?.id).toBe(before?.id);
    expect(after?.runner).not.toBe(before?.runner);
    expect(await job(at)).toMatchObject({ state: "done", attempts: 2 });
  });
});

it("refuses a machine whose folder is a copy of one that is at work", PATIENCE, async () => {
  const at = await fleet();
  const a = at.start("a");
  await a.logged("thinking");
  at.copy("a", "b");
  const b = at.start("b");
  expect(await b.ended).toBe(78);
  expect(b.events).not.toContain("tick_started");
  at.letGo("a");
  await a.logged("job_done");
  expect(await job(at)).toMatchObject({ state: "done", attempts: 1 });
});

it("would let both work under one name, if the one that comes later took the part", PATIENCE, async () => {
  const at = await fleet();
  const a = at.start("a");
  await a.logged("thinking");
  at.copy("a", "b");
  const b = at.start("b", [TAKES_IT]);
  await b.logged("tick_started");
  // Its job is begun again by the copy, and it is put out itself.
  expect(await a.ended).toBe(69);
});

describe("a machine beside one that is at work", PATIENCE, () => {
  async function beside(faults: readonly Fault[]) {
    const at = await fleet();
    const answer = Promise.withResolvers<void>();
    at.model.script([{ type: "reply", gate: () => answer.promise }]);
    at.start("a");
    await at.model.request(1);
    await at.query(
      `insert into processes (id, job, runner, containment, pid, started, boot_id, cookie, file_size_blocks, created_at, machine)
       select 'p', 'think', runner, 'marks', 999999, 'x', 'y', 'z', 1, 1, id from machines`,
    );
    await at.query(
      `insert into drafts (id, job_id, name, action, content, state, created_at, attempted_at, machine)
       select 'd', jobs.id, 'letter', 'http', '{}', 'approving', 1, extract(epoch from now())::bigint * 1000, machines.id from jobs, machines`,
    );
    const rows = async () => ({
      jobs: await at.query("select state, token, runner from jobs"),
      calls: await at.query("select id, state from ledger"),
      ticks: await at.query("select id, outcome from ticks order by id limit 1"),
      processes: await at.query("select id from processes"),
      drafts: await at.query("select id, state from drafts"),
    });
    const before = await rows();
    at.letGo("b");
    const b = at.start("b", faults);
    await b.logged("tick_finished");
    const after = await rows();
    answer.resolve();
    return { before, after };
  }

  it("leaves its job, call, tick, programs and approvals as they are", async () => {
    const { before, after } = await beside([]);
    expect(after).toEqual(before);
  });

  it.each([
    ["its job", BY_LOCK],
    ["its call", CALLS_BY_LOCK],
    [
      "its tick",
      {
        file: "runner/tick-record.ts",
        text: '.$if(machine !== null, (query) => query.where("machine", "=", machine))',
        fault: "",
      },
    ],
    [
      "its programs",
      {
        file: "jobs/containment/records.ts",
        text: '.where("machine", of.machine === null ? "is" : "=", of.machine)',
        fault: "",
      },
    ],
  ])("would touch %s if it went by its own lock", async (_what, fault) => {
    const { before, after } = await beside([fault]);
    expect(after).not.toEqual(before);
  });
});
