import type { Agent } from "../../agent.ts";
import { section } from "../../config/fields.ts";
import type { JobKind } from "../../jobs/job.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { AfkError } from "../../lib/errors.ts";
import { nextRunAt } from "../../queue/claim.ts";
import type { Drill, Harness } from "../harness.ts";

const KIND = "drill-poison";

/** Buys one completion and fails, every time. */
const poison: JobKind = {
  kind: KIND,
  settings: section("Fails on purpose, for a drill.", {}),
  async run(context) {
    await context.complete("ask", {
      messages: [{ role: "user", content: "Say something, to be paid for once." }],
    });
    throw new AfkError("drill_poison", "it failed on purpose, for a drill");
  },
};

/** A job that can never succeed ends in front of a person, and not on the bill. */
export const deadLetter: Drill = {
  name: "dead-letter",
  description: "A job that always fails is tried as often as it may be, then waits for a person",
  promise: "One poisoned job cannot run for ever, nor be paid for at each try.",
  async run(harness) {
    const attempts = Math.max(...harness.config.jobs.map((job) => job.retry.attempts), 5);
    const jobs = [{ name: "poison", kind: KIND, every: "30d", retry: { attempts } }];
    const deployment = harness.deploy({ jobs });
    const agent = await deployment.open({ clock: harness.clock, kinds: [poison] });

    const ticks = await tickUntilDead(harness, agent, attempts);
    harness.did(
      `Ran a job that buys one completion and then fails, over ${ticks} ticks, moving the drill's clock past each backoff.`,
    );
    const job = deployment.job();
    harness.expect(
      `the job is dead after ${attempts} attempts`,
      job.state === "dead" && job.attempts === attempts,
      `${job.state} after ${job.attempts}`,
    );
    const [letter] = deployment.rows<{ attempts: number; error: string }>(
      "select attempts, error from dead_letters",
    );
    harness.expect(
      "its letter waits, with attempts and error",
      letter?.attempts === attempts,
      letter?.error ?? "no letter",
    );
    harness.expectAlert(deployment, "job_dead:");
    harness.expectLogged(deployment, "job_failed", attempts);
    harness.expectRequests("its completion was bought once", 1);

    harness.clock.advance(DAY_MS);
    await agent.tick();
    const after = deployment.job().attempts;
    harness.expect("a tick a day later leaves it alone", after === attempts, `${after} attempts`);
    Object.assign(harness.figures, { attempts, ticks, requests: harness.endpoint.requests.length });
  },
};

async function tickUntilDead(harness: Harness, agent: Agent, attempts: number): Promise<number> {
  for (let ticks = 1; ticks <= attempts + 1; ticks++) {
    harness.signal.throwIfAborted();
    await agent.tick();
    const runAt = await nextRunAt(agent.rails.store.db);
    if (runAt === undefined) return ticks;
    harness.clock.advance(Math.max(0, runAt - harness.clock.nowMs()));
  }
  return attempts + 1;
}
