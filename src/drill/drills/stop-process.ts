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
    expectJob(harness, job, "ready");
    harness.figures.killToGoneMs = await kill(harness, job, "SIGKILL");
    expectJob(harness, job, "running");
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
  const isTerm = signal === "SIGTERM";
  harness.expect(
    isTerm ? "the worker obeyed: it ended with exit code 0" : "the worker was killed by the signal",
    isTerm ? worker.exit?.code === 0 : worker.exit?.signal === "SIGKILL",
    exitText(worker),
  );
  return tookMs;
}

/** After SIGTERM the job is given back with its attempt; after SIGKILL it is left as it was, for the next tick to recover. */
function expectJob(harness: Harness, { deployment }: Stubborn, state: "ready" | "running"): void {
  const job = deployment.job();
  const attempts = state === "ready" ? 0 : 1;
  harness.expect(
    `the job is ${state} in the database, with ${attempts} attempts counted`,
    job.state === state && job.attempts === attempts,
    `${job.state}, ${job.attempts}`,
  );
}
