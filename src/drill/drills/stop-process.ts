import type { Drill } from "../drill.ts";
import type { Bench } from "../harness.ts";
import { type Stubborn, stubborn } from "../stubborn-job.ts";
import { exitText } from "../worker.ts";

/** The kill by process: SIGTERM to one worker, SIGKILL to the next. */
export const stopProcess: Drill = {
  name: "stop-process",
  description: "A worker and all that it started are gone after SIGTERM, and after SIGKILL",
  promise: "Who ends the process ends everything that it started, whether it wants to or not.",
  async run(bench) {
    const job = stubborn(bench);
    bench.figures.termToGoneMs = await kill(bench, job, "SIGTERM");
    await expectJob(bench, job, "ready");
    bench.figures.killToGoneMs = await kill(bench, job, "SIGKILL");
    await expectJob(bench, job, "running");
  },
};

async function kill(bench: Bench, job: Stubborn, signal: "SIGTERM" | "SIGKILL"): Promise<number> {
  const started = await job.start();
  const { worker, family } = started;
  bench.figures[`processesBefore${signal === "SIGTERM" ? "Term" : "Kill"}`] = family.length;
  bench.did(
    `Sent ${signal} to a worker (${family.length} processes with its children, which ignore SIGTERM).`,
  );
  bench.hands.signal(worker.pid, signal);
  const tookMs = await job.gone(started, signal);
  const exit = await worker.ended;
  const isRight = signal === "SIGTERM" ? exit.code === 0 : exit.signal === "SIGKILL";
  bench.expect(
    signal === "SIGTERM"
      ? "the worker obeyed: it ended with exit code 0"
      : "the worker was killed by the signal",
    isRight,
    exitText(exit),
  );
  return tookMs;
}

/** After SIGTERM the job is given back with its attempt; after SIGKILL it is left as it was, for the next tick to recover. */
async function expectJob(bench: Bench, { deployment }: Stubborn, state: "ready" | "running"): Promise<void> {
  const agent = await bench.open(deployment);
  const row = await agent.rails.store.db.selectFrom("jobs").select(["state", "attempts"]).executeTakeFirst();
  const attempts = state === "ready" ? 0 : 1;
  bench.expect(
    `the job is ${state} in the database, with ${attempts} attempts counted`,
    row?.state === state && row.attempts === attempts,
    `${row?.state ?? "no job"}, ${row?.attempts ?? 0}`,
  );
}
