import type { Drill, Harness } from "../harness.ts";
import { type Stubborn, stubborn } from "../stubborn-job.ts";
import { exitText } from "../worker.ts";

/** The kill by process: SIGTERM to one worker, SIGKILL to the next. */
export const stopProcess: Drill = {
  name: "stop-process",
  description: "A worker and all that it started are gone after SIGTERM, and after SIGKILL",
  promise: "Who ends the process ends everything that it started, whether it wants to or not.",
  async run(harness) {
    const job = stubborn(harness);
    harness.figures.termToGoneMs = await kill(harness, job, "SIGTERM");
    await expectJob(harness, job, "ready");
    harness.figures.killToGoneMs = await kill(harness, job, "SIGKILL");
    await expectJob(harness, job, "running");
  },
};

async function kill(harness: Harness, job: Stubborn, signal: "SIGTERM" | "SIGKILL"): Promise<number> {
  const started = await job.start();
  const { worker, family } = started;
  harness.figures[`processesBefore${signal === "SIGTERM" ? "Term" : "Kill"}`] = family.length;
  harness.did(
    `Sent ${signal} to a worker (${family.length} processes with its children, which ignore SIGTERM).`,
  );
  harness.effects.signal(worker.pid, signal);
  const tookMs = await job.gone(started, signal);
  const exit = await worker.ended;
  const isRight = signal === "SIGTERM" ? exit.code === 0 : exit.signal === "SIGKILL";
  harness.expect(
    signal === "SIGTERM"
      ? "the worker obeyed: it ended with exit code 0"
      : "the worker was killed by the signal",
    isRight,
    exitText(exit),
  );
  return tookMs;
}

/** After SIGTERM the job is given back with its attempt; after SIGKILL it is left as it was, for the next tick to recover. */
async function expectJob(
  harness: Harness,
  { deployment }: Stubborn,
  state: "ready" | "running",
): Promise<void> {
  const agent = await harness.open(deployment);
  const row = await agent.rails.store.db.selectFrom("jobs").select(["state", "attempts"]).executeTakeFirst();
  const attempts = state === "ready" ? 0 : 1;
  harness.expect(
    `the job is ${state} in the database, with ${attempts} attempts counted`,
    row?.state === state && row.attempts === attempts,
    `${row?.state ?? "no job"}, ${row?.attempts ?? 0}`,
  );
}
