import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import type { DatabaseTarget } from "../../src/lib/database-target.ts";
import { silentLog } from "../../src/lib/log.ts";
import { guard } from "../../src/rails/guard.ts";
import { startPostgres } from "../../test/support/postgres/server.ts";
import { openBenchAgent } from "../harness/agent.ts";
import type { Benchmark, Row, Tools } from "../harness/benchmark.ts";
import { callNames, callOf } from "../harness/calls.ts";
import { rawClient } from "../harness/raw-fleet.ts";
import { quantile } from "../harness/statistics.ts";

const MACHINES = 4;
const SAMPLES = 50;
/** Looks come every 250 ms: so the switch is set at any time between two of them. */
const SETTLE_MS_MAX = 300;
const SET = "update kill_switch set set_at = 1, reason = 'bench' where id = 1";
const CLEAR = "update kill_switch set set_at = null, reason = null where id = 1";

/** The switch of a fleet: from the commit that sets it to the end of the last call in flight, on whatever machine. */
export const fleetKill: Benchmark = {
  name: "fleet-kill",
  question: "How long after the switch is set does the last machine of a fleet end what is in flight?",
  async run(tools) {
    const server = await startPostgres();
    tools.after(() => server.close());
    const target = { url: await server.createDatabase("bench"), schema: "afk_bench" };
    const machines: (() => InFlight)[] = [];
    for (let machine = 0; machine < MACHINES; machine++) machines.push(await callsOf(tools, target));
    const client = await rawClient(tools, target);
    const told = `begin; ${SET}; select pg_notify('${target.schema}', ''); commit`;
    return [
      row("with the database's notice", await lastEnds(machines, client, told), 1_000),
      row("by polling alone", await lastEnds(machines, client, SET), 2_000),
    ];
  },
};

/** A call that its provider answers only when it is aborted. */
interface InFlight {
  begun: Promise<void>;
  /** Resolves with the moment at which it was aborted. */
  aborted: Promise<number>;
  /** Until the machine could make the next one. */
  over(): Promise<void>;
}

async function callsOf(tools: Tools, { url, schema }: DatabaseTarget): Promise<() => InFlight> {
  const agent = await openBenchAgent(tools, { changes: { database: { url, schema } } });
  const next = callNames();
  return () => {
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<number>();
    const { rails } = agent;
    const call = guard(rails, {
      ...callOf(agent, next()),
      log: silentLog,
      perform(signal) {
        begun.resolve();
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            aborted.resolve(performance.now());
            reject(signal.reason);
          }),
        );
      },
    });
    const ended = Promise.allSettled([call]);
    return {
      begun: begun.promise,
      aborted: aborted.promise,
      async over() {
        await ended;
        while (!(await rails.watch.arm())) await pause(20);
      },
    };
  };
}

/** Milliseconds from the commit of `set` to the last abort, for each sample. */
async function lastEnds(machines: (() => InFlight)[], client: Client, set: string): Promise<number[]> {
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const calls = machines.map((begin) => begin());
    await Promise.all(calls.map(({ begun }) => begun));
    await pause(Math.random() * SETTLE_MS_MAX);
    await client.query(set);
    const setAt = performance.now();
    const ends = await Promise.all(calls.map(({ aborted }) => aborted));
    samples.push(Math.max(...ends) - setAt);
    await client.query(CLEAR);
    await Promise.all(calls.map(({ over }) => over()));
  }
  return samples;
}

function row(how: string, samples: number[], atMost: number): Row {
  const note = `median ${quantile(samples, 0.5).toFixed(0)} ms, ${samples.length} times, ${MACHINES} machines`;
  return {
    subject: `from the switch to the last abort, 99th percentile, ${how}`,
    baseline: null,
    result: { type: "figure", value: quantile(samples, 0.99), unit: "ms", note },
    goal: { atMost },
  };
}
