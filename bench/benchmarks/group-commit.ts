import { dirname } from "node:path";
import { Kysely } from "kysely";
import { silentLog } from "../../src/lib/log.ts";
import { guard } from "../../src/rails/guard.ts";
import { executePreparedBy } from "../../src/store/prepared.ts";
import type { Schema } from "../../src/store/schema.ts";
import { withBallast } from "../../src/store/sqlite/ballast.ts";
import { BUSY_PATIENCE_MS, whileBusy } from "../../src/store/sqlite/busy.ts";
import { executeNow, StoreDialect } from "../../src/store/sqlite/dialect.ts";
import { collectAfterCommit, type Store } from "../../src/store/store.ts";
import { openBenchAgent } from "../harness/agent.ts";
import type { Benchmark, Tools } from "../harness/benchmark.ts";
import { CALL_EVERY_MS, callNames, callOf } from "../harness/calls.ts";
import { steppedClock } from "../harness/clock.ts";
import { compare, type Side, speedRow } from "../harness/compare.ts";
import { benchStore, rawDatabase } from "../harness/raw.ts";

const CALLS = 16;

/** Guarded calls of a model that answers at once, so that what is left is mostly the wait for the disk. */
export const groupCommit: Benchmark = {
  name: "group-commit",
  question:
    "What do concurrent guarded calls gain by sharing their commits, and what does one by itself lose?",
  async run(tools) {
    const together = async (call: () => Promise<unknown>, count: number) => {
      await Promise.all(Array.from({ length: count }, call));
    };
    const inARow = async (call: () => Promise<unknown>, count: number) => {
      for (let n = 0; n < count; n++) await call();
    };
    const row = async (count: number, goal: { atLeast: number } | null) => {
      const [subject, baseline] = [await agentCalls(tools), await agentCalls(tools)];
      const sides = {
        subject: { operation: () => together(subject, count) },
        baseline: { operation: () => inARow(baseline, count) },
      };
      return speedRow(
        `${count} guarded calls at the same time, FULL`,
        "as many one after the other, FULL",
        await compare(tools, sides, { rounds: 30, operations: 6 }),
        goal,
      );
    };
    const alone: { subject: Side; baseline: Side } = {
      subject: { operation: await agentCalls(tools, grouped) },
      baseline: { operation: await agentCalls(tools, ungrouped) },
    };
    return [
      await row(CALLS, { atLeast: 2 }),
      await row(2 * CALLS, null),
      speedRow(
        "guarded calls one after the other, FULL",
        "the same with a transaction for each section and nothing to share it",
        await compare(tools, alone, { rounds: 40, operations: 100 }),
        { atLeast: 0.95 },
      ),
    ];
  },
};

/** One guarded call each time, by an agent of its own; `storeOf` says on what else its sections run. */
async function agentCalls(
  tools: Tools,
  storeOf?: (tools: Tools, store: Store) => Promise<Store>,
): Promise<() => Promise<unknown>> {
  const clock = steppedClock();
  const agent = await openBenchAgent(tools, { clock });
  const store = storeOf === undefined ? agent.store : await storeOf(tools, agent.store);
  const rails = { ...agent.rails, store };
  const next = callNames();
  tools.after(agent.rails.watch.hold("idle"));
  return () => {
    clock.advance(CALL_EVERY_MS);
    return guard(rails, { ...callOf(agent, next()), log: silentLog });
  };
}

/** A database of its own, as the one it is compared with has: the kill switch is watched in the agent's. */
async function grouped(tools: Tools, store: Store): Promise<Store> {
  const { db, atomically } = await benchStore(tools);
  return { ...store, db, atomically };
}

/** Writes as the store does, with its patience and its ballast, and without what lets sections share a commit. */
async function ungrouped(tools: Tools, store: Store): Promise<Store> {
  const database = await rawDatabase(tools);
  const dialect = new StoreDialect(database, BUSY_PATIENCE_MS);
  const db = new Kysely<Schema>({ dialect });
  const execute = executeNow.bind(undefined, dialect.statements);
  executePreparedBy(db, (query) => whileBusy(BUSY_PATIENCE_MS, () => execute(query)));
  return {
    ...store,
    db,
    atomically: (work) =>
      withBallast(dirname(database.name), () =>
        db.transaction().execute(async (trx) => {
          collectAfterCommit(trx);
          executePreparedBy(trx, execute);
          return await work(trx);
        }),
      ),
  };
}
