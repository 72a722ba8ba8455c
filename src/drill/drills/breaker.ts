import type { Agent } from "../../agent.ts";
import { readBreaker } from "../../rails/breaker.ts";
import { ask, saidText } from "../ask.ts";
import type { Drill } from "../drill.ts";
import type { Bench } from "../harness.ts";
import { MODEL } from "../scratch-config.ts";

const NAME = `model:${MODEL}`;
/** Longer than the minute that a burst is counted in. */
const PAUSE_MS = 61_000;

/** Failures in a row, a breaker that opens, one probe, a failed probe, a good one. */
export const breaker: Drill = {
  name: "breaker",
  description: "The breaker opens at its threshold, fails fast, lets one probe through, and closes",
  promise: "A model that is broken is left alone, and tried again with exactly one call.",
  async run(bench) {
    const { failures } = bench.config.breaker;
    const deployment = bench.deploy({});
    const agent = await bench.open(deployment, { clock: bench.clock });
    const other = await bench.open(deployment, { clock: bench.clock });
    const { endpoint } = bench;

    endpoint.behave(() => ({ type: "refuse", status: 500 }));
    await failInARow(bench, agent, failures);
    await failFast(bench, agent, failures);
    await probe(bench, agent, other);

    const opened = deployment.logged("breaker_open").length;
    const closed = deployment.logged("breaker_closed").length;
    bench.expect(
      "the log has breaker_open and breaker_closed",
      opened > 0 && closed > 0,
      `${opened} and ${closed} lines`,
    );
    bench.figures.requests = endpoint.asked.length;
    bench.expect(
      "every request is accounted for: the failures, two probes and one call after",
      endpoint.asked.length === failures + 3,
      `${endpoint.asked.length} requests, ${failures} of them failures`,
    );
  },
};

async function failInARow(bench: Bench, agent: Agent, failures: number): Promise<void> {
  for (let call = 1; call <= failures; call++) {
    const state = await readBreaker(agent.rails.store.db, NAME);
    if (state.state !== "closed") bench.expect(`it is closed before failure ${call}`, false, state.state);
    await ask(bench, agent, `failure ${call}`);
    if (call < failures) bench.clock.advance(PAUSE_MS);
  }
  bench.did(`Let ${failures} calls fail in a row, the threshold of breaker.failures.`);
  const { asked } = bench.endpoint;
  bench.expect("each of them reached the model", asked.length === failures, `${asked.length} requests`);
  const state = await readBreaker(agent.rails.store.db, NAME);
  bench.expect("the breaker is open after the last of them", state.state === "open", state.state);
}

async function failFast(bench: Bench, agent: Agent, failures: number): Promise<void> {
  const { cooldownMs } = agent.config.breaker;
  bench.figures.failuresToOpen = failures;
  bench.figures.cooldownMs = cooldownMs;
  for (const when of ["at once", "a second before its time is over"]) {
    if (when !== "at once") bench.clock.advance(cooldownMs - 1_000);
    const said = await ask(bench, agent, `fail fast, ${when}`);
    bench.expect(
      `a call ${when} is refused without a request`,
      said.type === "left_alone" && bench.endpoint.asked.length === failures,
      `${saidText(said)}; ${bench.endpoint.asked.length} requests`,
    );
  }
  bench.did(
    `Called it while it was open, at once and just before ${cooldownMs / 1_000} s were over on the drill's clock.`,
  );
}

/** Two processes' worth of agents on one state: while the probe of one is out, the other's call must not leave. */
async function probe(bench: Bench, agent: Agent, other: Agent): Promise<void> {
  const { endpoint } = bench;
  const before = endpoint.asked.length;
  const answered = Promise.withResolvers<void>();
  endpoint.behave(async () => {
    await answered.promise;
    return { type: "refuse", status: 500 };
  });
  bench.clock.advance(2_000);
  const first = ask(bench, agent, "the probe");
  try {
    await bench.until("one probe goes out when the time is over", () => endpoint.asked.length > before);
    const second = await ask(bench, other, "a call beside the probe");
    bench.expect(
      "a call beside the probe is refused without a request",
      second.type === "left_alone" && endpoint.asked.length === before + 1,
      `${saidText(second)}; ${endpoint.asked.length - before} requests`,
    );
  } finally {
    answered.resolve();
    // Whatever was found, the probe is over before the bench is taken down.
    await Promise.allSettled([first]);
  }
  const state = await readBreaker(agent.rails.store.db, NAME);
  const { cooldownMs, maxCooldownMs } = agent.config.breaker;
  const doubledMs = Math.min(2 * cooldownMs, maxCooldownMs);
  bench.expect(
    `a failed probe opens it for twice as long (${doubledMs / 1_000} s)`,
    state.state === "open" && state.cooldownMs === doubledMs,
    state.state === "open" ? `open for ${state.cooldownMs / 1_000} s` : state.state,
  );
  bench.did("Let the probe fail, waited the longer time, and let the next probe be answered.");
  endpoint.behave(() => ({ type: "answer" }));
  bench.clock.advance(doubledMs + 1_000);
  for (const what of ["the second probe", "a call after it"]) {
    const said = await ask(bench, agent, what);
    bench.expect(`${what} is answered`, said.type === "answered", saidText(said));
    bench.clock.advance(PAUSE_MS);
  }
  const end = await readBreaker(agent.rails.store.db, NAME);
  bench.expect("the breaker is closed again", end.state === "closed", end.state);
}
