import * as v from "valibot";
import { onTestFinished } from "vitest";
import { type Agent, type AgentOptions, openAgent } from "../../src/agent.ts";
import type { AlertPayload } from "../../src/alerts/events.ts";
import type { JobContext, JobKind, JobResult } from "../../src/jobs/job.ts";
import { type Deployment, deployment } from "../support/afk.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { openTestStore } from "../support/store.ts";

/** What a run of the test's own job kind does. `count` is 1 for the first run in this test, whatever job it is of. */
export type Run = (
  context: JobContext,
  count: number,
) => Promise<JobResult | undefined> | JobResult | undefined;

export interface Harness {
  agent: Agent;
  target: Deployment;
  clock: FakeClock;
  alerts: AlertPayload[];
  /** Names of the jobs that were run, in order. */
  ran: string[];
  /** Opens the same deployment again, with other jobs or settings. */
  reopen(config: Record<string, unknown>): Promise<Agent>;
}

/** An agent by a fake clock whose jobs are of the kind `work`, which does what the test says. */
export async function harness(
  run: Run,
  config: Record<string, unknown> = {},
  options: AgentOptions = {},
): Promise<Harness> {
  const target = deployment();
  const clock = fakeClock();
  const alerts: AlertPayload[] = [];
  const ran: string[] = [];
  const kind: JobKind = {
    kind: "work",
    settings: v.looseObject({}),
    async run(context) {
      ran.push(context.name);
      return (await run(context, ran.length)) ?? { units: 1, summary: "worked" };
    },
  };
  const reopen = async (changed: Record<string, unknown>) => {
    target.configure({
      agent: "test-agent",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["extractive"] },
      jobs: [{ name: "work", kind: "work" }],
      ...changed,
    });
    const agent = await openAgent({
      config: target.configFile,
      state: target.state,
      environment: {},
      clock,
      kinds: [kind],
      onAlert: (alert) => alerts.push(alert),
      openStore: openTestStore,
      ...options,
    });
    onTestFinished(() => agent.close());
    return agent;
  };
  return { agent: await reopen(config), target, clock, alerts, ran, reopen };
}
