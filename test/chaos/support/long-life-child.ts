import { setFlagsFromString } from "node:v8";
import * as v from "valibot";
import { openAgent } from "../../../src/agent.ts";
import type { JobKind } from "../../../src/jobs/job.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";

/**
 * Lives long in little time: `long-life-child.ts CONFIG STATE PAGE WARM_UP COUNT`. Runs the loop with one job after the
 * other, each with a model call, a fetched page, an alert and the pings of its tick, and prints by how many bytes the heap
 * grew in COUNT of them, what WARM_UP others left being there before.
 */
// What is compiled, and thrown away, in the course of time is no leak and larger than one.
for (const flag of ["--no-opt", "--no-sparkplug", "--no-maglev", "--no-flush-bytecode"])
  setFlagsFromString(flag);

const [config = "", state = "", page = "", ...counts] = process.argv.slice(2);
const [warmUp = 0, count = 0] = counts.map(Number);

const kind: JobKind = {
  kind: "live",
  settings: v.looseObject({}),
  async run(context) {
    await context.complete("ask", {
      messages: [{ role: "user", content: `Say ${String(context.payload)}.` }],
    });
    await context.egress.fetch(page);
    return { units: 1, summary: "lived" };
  },
};

const options = { config, state, kinds: [kind] };
/** As another process would: a loop sees the work that somebody else adds. */
const other = await openAgent(options);
const agent = await openAgent({
  ...options,
  // What idles is woken at once: there is always more to do.
  clock: { ...systemClock, idle: () => new Promise((resolve) => setImmediate(resolve)) },
});

let ticks = 0;
let before = 0;

async function next(): Promise<void> {
  ticks += 1;
  if (ticks === warmUp) before = heapInUse();
  if (ticks === warmUp + count) {
    process.stdout.write(JSON.stringify({ grownBytes: heapInUse() - before }));
    agent.rails.watch.trip({ by: "signal", at: systemClock.nowMs(), reason: "it has lived" });
    return;
  }
  await other.store.atomically(async (trx) => {
    await other.outbox.announce(trx, {
      event: "draft_pending",
      title: "A draft",
      message: "It waits.",
      subject: "",
      occurrence: String(ticks),
    });
  });
  await other.enqueue("live", { payload: ticks });
}

function heapInUse(): number {
  // Finalisers of the first collection release what the second one takes.
  for (let i = 0; i < 3; i++) collectGarbage();
  return process.memoryUsage().heapUsed;
}

await agent.run(() => void next());
await agent.close();
await other.close();
