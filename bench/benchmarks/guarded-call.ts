import { type Log, silentLog } from "../../src/lib/log.ts";
import { openBenchAgent } from "../harness/agent.ts";
import type { Benchmark, Tools } from "../harness/benchmark.ts";
import { CALL_EVERY_MS, callNames, guardedCalls } from "../harness/calls.ts";
import { steppedClock } from "../harness/clock.ts";
import { compare, type Side, timeRow } from "../harness/compare.ts";
import { rawDatabase } from "../harness/raw.ts";
import { rawGuard } from "../harness/raw-guard.ts";
import { spreadOf } from "../harness/statistics.ts";

const ROUNDS = { rounds: 40, operations: 100 };

/**
 * A call in a job in a tick, under five caps, of a model that answers at once: what is left is the rails' own cost. Its
 * line in the log is measured by itself, since it is none of the rails.
 */
export const guardedCall: Benchmark = {
  name: "guarded-call",
  question: "What does a guarded call cost of its own: kill, breaker, reserve and settle, on the disk?",
  async run(tools) {
    const compared = await compare(tools, await sides(tools, silentLog), ROUNDS);
    const logged = await compare(tools, await sides(tools), ROUNDS);
    const { p99Ratio } = compared;
    return [
      timeRow("a guarded call, FULL", "two raw transactions that write the same rows, FULL", compared, {
        atMost: 1.5,
      }),
      {
        subject: "the same, 99th percentile",
        baseline: "99th percentile of the two transactions",
        result: {
          type: "ratio",
          ratio: spreadOf([p99Ratio]),
          sides: "4,000 calls each",
        },
        goal: { atMost: 3 },
      },
      timeRow("the same with its line in the log", "the two transactions, and no log", logged, null),
    ];
  },
};

/** Each on a database of its own. */
async function sides(tools: Tools, log?: Log): Promise<{ baseline: Side; subject: Side }> {
  const clock = steppedClock();
  const agent = await openBenchAgent(tools, { clock });
  const raw = rawGuard(await rawDatabase(tools));
  const names = callNames();
  let atMs = clock.nowMs();
  tools.after(agent.rails.watch.hold("idle"));
  return {
    baseline: {
      operation() {
        atMs += CALL_EVERY_MS;
        raw({ atMs, ...names() });
      },
    },
    subject: { operation: guardedCalls(agent, clock, log) },
  };
}
