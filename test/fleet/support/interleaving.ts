import { setTimeout as pause } from "node:timers/promises";
import { DAY_MS } from "../../../src/lib/durations.ts";
import { AfkError } from "../../../src/lib/errors.ts";
import type { Randomness } from "../../../src/lib/ids.ts";
import { jobsSweep } from "../../../src/ops/retention/jobs.ts";
import { claim } from "../../../src/queue/claim.ts";
import { complete } from "../../../src/queue/complete.ts";
import { enqueue } from "../../../src/queue/enqueue.ts";
import { fail } from "../../../src/queue/fail.ts";
import { LeaseLost } from "../../../src/queue/job.ts";
import { recoverJobs } from "../../../src/queue/recover.ts";
import { CallFailed } from "../../../src/rails/call.ts";
import { guard } from "../../../src/rails/guard.ts";
import { CapReached, isHalt } from "../../../src/rails/halt.ts";
import { clearKill, setKill } from "../../../src/rails/kill.ts";
import { runnersOf } from "../../../src/rails/machine.ts";
import { recoverCalls } from "../../../src/rails/recover.ts";
import { StoreUnreachable } from "../../../src/store/postgres/errors.ts";
import type { Postgres } from "../../support/postgres/server.ts";
import { direct } from "./audit.ts";
import type { Incarnation, Machine } from "./machines.ts";

const STEPS = 6;
const CALL_MICROS = 100;
/** Room for about half of what all machines would buy. */
export const CAP_MICROS = 400;
const RETRY = { attempts: 100, firstMs: 0, maxMs: 0, giveUpAfterMs: DAY_MS };

export interface World {
  server: Postgres;
  database: string;
  schema: string;
  machines: Machine[];
  randomness: Randomness;
}

/** What the machines did, as those outside know it. */
export interface Record {
  /** What was performed, whatever came of its answer. */
  billMicros: number;
  /** Keys that were accepted, and those that may have been. */
  accepted: Set<string>;
  refusals: number;
  lost: number;
  /** What nobody may be told. */
  errors: string[];
  faults: string[];
}

/** Four machines that do what comes to mind, each one thing after the other, while the world around them breaks. */
export async function interleave(world: World, name: string): Promise<Record> {
  const record: Record = { billMicros: 0, accepted: new Set(), refusals: 0, lost: 0, errors: [], faults: [] };
  const { random } = world.randomness;
  const working = world.machines.map(async (machine) => {
    for (let step = 0; step < STEPS; step++) {
      const incarnation = machine.now();
      await act(world, { machine, incarnation, record, name: `${name}-${machine.name}${step}` }).catch(
        (error: unknown) => judge(incarnation, record, error),
      );
    }
  });
  const breaking = async () => {
    for (let count = Math.floor(random() * 4); count > 0; count--) {
      await pause(random() * 30);
      await breakSomething(world, record);
    }
  };
  await Promise.all([...working, breaking()]);
  return record;
}

/** A process that is dead tells nobody of anything. */
function judge({ isDead }: Incarnation, record: Record, error: unknown): void {
  if (error instanceof LeaseLost) record.lost += 1;
  else if (error instanceof CapReached) record.refusals += 1;
  else if (isHalt(error) || error instanceof CallFailed || error instanceof StoreUnreachable) return;
  else if (!isDead && !(error instanceof AfkError && error.code === "store_busy"))
    record.errors.push(String(error instanceof Error ? error.stack : error));
}

interface Acting {
  machine: Machine;
  incarnation: Incarnation;
  record: Record;
  /** Of this step, and nowhere else. */
  name: string;
}

async function act(world: World, acting: Acting): Promise<void> {
  const { random } = world.randomness;
  const { rails } = acting.incarnation;
  const chance = random();
  if (chance < 0.3) await buy(world, acting, null);
  else if (chance < 0.5) await add(acting, random() < 0.5 ? `free-${acting.name}` : acting.name);
  else if (chance < 0.75) await work(world, acting);
  else if (chance < 0.8) await add(acting, `cron@${acting.name.split("-")[0]}`);
  else if (chance < 0.84) await rails.store.atomically((trx) => stop(trx, acting.incarnation));
  else if (chance < 0.9) await rails.store.atomically((trx) => clearKill(trx, rails.stopFile));
  else if (chance < 0.93) await forget(acting.incarnation);
  else if (chance < 0.97) await recover(world, acting);
  // Somebody asks for the same again.
  else await add(acting, [...acting.record.accepted].at(-1) ?? acting.name);
}

async function stop(trx: Parameters<typeof setKill>[0], { rails }: Incarnation): Promise<void> {
  await setKill(trx, rails.outbox.announce, "somebody stops it", rails.clock.nowMs());
}

async function add({ incarnation: { rails }, record }: Acting, key: string): Promise<void> {
  const job = { key, name: key, kind: "any", payload: null, maxAttempts: 100 };
  const nowMs = rails.clock.nowMs();
  await rails.store.atomically((trx) =>
    enqueue(trx, { ...job, slotMs: 0, label: key, byHand: false }, nowMs),
  );
  record.accepted.add(key);
}

async function buy(
  { randomness: { random } }: World,
  { incarnation, record, name }: Acting,
  job: string | null,
): Promise<void> {
  const { rails, runner } = incarnation;
  const costMicros = Math.floor(random() * (CALL_MICROS + 1));
  const chance = random();
  await guard(rails, {
    dependency: "model:openai/test",
    model: "openai/test",
    estimateMicros: CALL_MICROS,
    estimateTokens: 2,
    deadlineMs: 360_000,
    scope: { tick: null, job },
    step: null,
    runner,
    requestHash: name,
    isDegraded: false,
    log: rails.log,
    async perform() {
      // What is dead sends nothing; it does not get to say so either.
      if (incarnation.isDead) throw new CallFailed("dead", { charge: "none", trip: "none" });
      if (chance < 0.1) throw new CallFailed("refused", { charge: "none", trip: "none" });
      record.billMicros += costMicros;
      await pause(random() * 5);
      if (chance < 0.2) throw new CallFailed("no answer", { charge: "unknown", trip: "none" });
      return { costMicros, inputTokens: 1, outputTokens: 1, value: "text" };
    },
  });
}

/** One job, from its claim to its end. A dead process goes no further. */
async function work(world: World, acting: Acting): Promise<boolean> {
  const { rails, runner } = acting.incarnation;
  const { clock, store } = rails;
  const job = await store.atomically((trx) => claim(trx, runner, clock.nowMs()));
  if (job === undefined) return false;
  if (!job.key.startsWith("free-")) {
    try {
      await buy(world, acting, job.key);
    } catch (error) {
      const failure = { error, retry: { afterMs: 0 }, tick: null };
      const how = { nowMs: clock.nowMs(), retry: RETRY, randomness: world.randomness };
      await store.atomically((trx) => fail(trx, rails.outbox.announce, job, failure, how));
      throw error;
    }
  }
  await store.atomically((trx) => complete(trx, job, 1, clock.nowMs()));
  return true;
}

/** Retention that takes every job for old; those stay that calls belong to. */
async function forget({ rails }: Incarnation): Promise<void> {
  const nowMs = rails.clock.nowMs();
  const oldMs = nowMs + 3 * DAY_MS;
  await rails.store.atomically(async (trx) => {
    const called = await trx.selectFrom("ledger").select("job").execute();
    const calledJobs = new Set(called.flatMap(({ job }) => job ?? []));
    const ages = { nowMs, historyMs: oldMs, stepsMs: oldMs, seenMs: oldMs, timezone: "UTC", calledJobs };
    await jobsSweep.step(trx, { ...ages, keptJobs: new Set(), ticksFrom: { any: "", worked: "" } }, "");
  });
}

async function breakSomething(world: World, record: Record): Promise<void> {
  const { random } = world.randomness;
  const machine = world.machines[Math.floor(random() * world.machines.length)];
  if (machine === undefined) return;
  const { proxy } = machine.now();
  const note = (fault: string) => void record.faults.push(fault);
  const chance = random();
  if (chance < 0.25) {
    note("a commit's answer was lost");
    proxy.dropAnswerOf(/^commit/i).happened.catch(() => undefined);
  } else if (chance < 0.45) {
    note("connections were cut");
    proxy.cutAll();
  } else if (chance < 0.6) {
    note("a machine stood still");
    proxy.freeze(true);
    await pause(random() * 40);
    proxy.freeze(false);
  } else if (chance < 0.75) {
    note("a process was killed");
    await machine.kill();
  } else if (chance < 0.85) {
    note("a clock was set");
    machine.moveClock((random() - 0.5) * DAY_MS);
  } else if (chance < 0.97) {
    note("leases ran out");
    await outlive(world).catch(() => undefined);
  } else {
    note("the server went away");
    await world.server.stop("immediate");
    await world.server.start();
  }
}

/** As if 31 s had passed, in which nobody renewed a lease. */
async function outlive({ server, database, schema }: World): Promise<void> {
  await direct({ url: server.url(database), schema }, [
    "update jobs set lease_until = 1 where state = 'running'",
  ]);
}

/** What each tick begins with: what is left of this machine's former processes, and jobs whose leases are over. */
async function recover(
  { randomness }: World,
  { machine, incarnation: { rails, runner } }: Pick<Acting, "machine" | "incarnation">,
): Promise<void> {
  await recoverCalls(rails, runner);
  const by = { runner, former: runnersOf(machine.name, "worker"), tick: null, retryOf: () => RETRY };
  await rails.store.atomically((trx) =>
    recoverJobs(trx, rails.outbox.announce, by, rails.clock.nowMs(), randomness),
  );
}

/** Ends what the interleaving left: everything is well again, and one machine works until there is nothing to do. */
export async function settle(world: World, record: Record, name: string): Promise<void> {
  const [machine] = world.machines;
  if (machine === undefined) return;
  const { rails } = machine.now();
  await outlive(world);
  await recover(world, { machine, incarnation: machine.now() });
  await rails.store.atomically((trx) => clearKill(trx, rails.stopFile));
  for (let count = 0; count < 200; count++) {
    const store = rails.store;
    const job = await store.atomically((trx) => claim(trx, machine.now().runner, rails.clock.nowMs()));
    if (job === undefined) return;
    await store.atomically((trx) => complete(trx, job, 1, rails.clock.nowMs()));
  }
  record.errors.push(`${name}: jobs without an end`);
}
