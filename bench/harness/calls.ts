import { createHash } from "node:crypto";
import type { Agent } from "../../src/agent.ts";
import { type GuardedCall, guard } from "../../src/rails/guard.ts";
import type { SteppedClock } from "./clock.ts";

/** Between two calls, which a model's answer would take. */
export const CALL_EVERY_MS = 2_000;
/** After so many calls another tick and job. */
const CALLS_PER_JOB = 30;

/** Names for calls as a working agent makes them: thirty of a job, each with a request of its own. */
export function callNames(): () => { tick: string; job: string; requestHash: string } {
  let count = 0;
  return () => {
    const job = Math.floor(count / CALLS_PER_JOB);
    const requestHash = createHash("sha256").update(`request ${count}`).digest("hex");
    count += 1;
    return { tick: `tick-${job}`, job: `job-${job}`, requestHash };
  };
}

/** Guards a call that asks nobody and costs a little: what takes time is the rails themselves. */
export function guardedCalls(agent: Agent, clock: SteppedClock, log = agent.log): () => Promise<string> {
  const next = callNames();
  return () => {
    clock.advance(CALL_EVERY_MS);
    return guard(agent.rails, { ...callOf(agent, next()), log });
  };
}

export function callOf(
  agent: Agent,
  names: { tick: string; job: string; requestHash: string },
): GuardedCall<string> {
  return {
    dependency: "model:openai/bench",
    model: "openai/bench",
    estimateMicros: 1_000,
    estimateTokens: 100,
    deadlineMs: 360_000,
    scope: { tick: names.tick, job: names.job },
    step: "step",
    runner: "runner",
    requestHash: names.requestHash,
    isDegraded: false,
    log: agent.log,
    perform: async () => ({ costMicros: 400, inputTokens: 7, outputTokens: 3, value: "text" }),
  };
}
