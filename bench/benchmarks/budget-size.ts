import { join } from "node:path";
import { passGates } from "../../src/rails/gates.ts";
import { openBenchAgent } from "../harness/agent.ts";
import type { Benchmark, Row, Tools } from "../harness/benchmark.ts";
import { CALL_EVERY_MS, callNames, callOf } from "../harness/calls.ts";
import { steppedClock } from "../harness/clock.ts";
import { compare, type Side, timeRow } from "../harness/compare.ts";
import { fillLedger } from "../harness/fill.ts";
import { filledDatabase } from "../harness/raw.ts";

const SMALL = 10_000;
/** Many short rounds: a wait for the disk is most of an operation, and moves by more than the goal leaves. */
const ROUNDS = { rounds: 150, operations: 30 };

/** The gates read counters and not the ledger, so that a check should cost the same however long the agent has lived. */
export const budgetSize: Benchmark = {
  name: "budget-size",
  question: "Does the check of the budget cost more as the ledger grows?",
  async run(tools) {
    const rows: Row[] = [];
    const sizes = [1_000_000, ...(tools.isFull ? [10_000_000] : [])];
    const baseline = await gatesOn(tools, SMALL);
    for (const size of sizes) {
      const subject = await gatesOn(tools, size);
      const compared = await compare(tools, { baseline, subject }, ROUNDS);
      const name = `the gates with ${size.toLocaleString("en")} ledger entries, FULL`;
      rows.push(timeRow(name, `with ${SMALL.toLocaleString("en")}`, compared, { atMost: 1.1 }));
    }
    if (!tools.isFull) rows.push(NOT_RUN);
    return rows;
  },
};

const NOT_RUN: Row = {
  subject: "the gates with 10,000,000 ledger entries, FULL",
  baseline: `with ${SMALL.toLocaleString("en")}`,
  result: {
    type: "not_run",
    unit: "x",
    reason: "filling the ledger takes minutes: npm run bench -- budget-size --full",
  },
  goal: { atMost: 1.1 },
};

/** Kill, breaker, runaway, five caps, the reservation and its commit; what is reserved stays so. */
async function gatesOn(tools: Tools, entries: number): Promise<Side> {
  const folder = tools.folder();
  tools.say(`filling a ledger with ${entries.toLocaleString("en")} entries`);
  await filledDatabase(join(folder, "state", "afk.db"), (database) => fillLedger(database, entries));
  const clock = steppedClock();
  const agent = await openBenchAgent(tools, { folder, clock });
  const names = callNames();
  return {
    operation() {
      clock.advance(CALL_EVERY_MS);
      return passGates(agent.rails, callOf(agent, names()));
    },
  };
}
