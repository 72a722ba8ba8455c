import type { Agent } from "../../agent.ts";
import { readBreaker } from "../../rails/breaker.ts";
import { ask, outcomeText } from "../ask.ts";
import type { Drill, Harness } from "../harness.ts";
import { MODEL } from "../scratch-config.ts";

const NAME = `model:${MODEL}`;
/** Longer than the minute that a burst is counted in. */
const PAUSE_MS = 61_000;

/** Failures in a row, a breaker that opens, one probe, a failed probe, a good one. */
export const breaker: Drill = {
  name: "breaker",
  description: "The breaker opens at its threshold, fails fast, lets one probe through, and closes",
  promise: "A model that is broken is left alone, and tried again with exactly one call.",
  async run(harness) {
    const { failures } = harness.config.breaker;
    const deployment = harness.deploy({});
    const agent = await harness.open(deployment, { clock: harness.clock });
    const other = await harness.open(deployment, { clock: harness.clock });
    const { endpoint } = harness;

    endpoint.otherwise({ type: "error", status: 500 });
    await failInARow(harness, agent, failures);
    await failFast(harness, agent, failures);
    await probe(harness, agent, other);

    const opened = deployment.logged("breaker_open").length;
    const closed = deployment.logged("breaker_closed").length;
    harness.expect(
      "the log has breaker_open and breaker_closed",
      opened > 0 && closed > 0,
      `${opened} and ${closed} lines`,
    );
    harness.figures.requests = endpoint.requests.length;
    harness.expect(
      "every request is accounted for: the failures, two probes and one call after",
      endpoint.requests.length === failures + 3,
      `${endpoint.requests.length} requests, ${failures} of them failures`,
    );
  },
};

async function failInARow(harness: Harness, agent: Agent, failures: number): Promise<void> {
  for (let call = 1; call <= failures; call++) {
    const state = await readBreaker(agent.rails.store.db, NAME);
    if (state.state !== "closed") harness.expect(`it is closed before failure ${call}`, false, state.state);
    await ask(harness, agent, `failure ${call}`);
    if (call < failures) harness.clock.advance(PAUSE_MS);
  }
  harness.did(`Let ${failures} calls fail in a row, the threshold of breaker.failures.`);
  const { requests } = harness.endpoint;
  harness.expect(
    "each of them reached the model",
    requests.length === failures,
    `${requests.length} requests`,
  );
  const state = await readBreaker(agent.rails.store.db, NAME);
  harness.expect("the breaker is open after the last of them", state.state === "open", state.state);
}

async function failFast(harness: Harness, agent: Agent, failures: number): Promise<void> {
  const { cooldownMs } = agent.config.breaker;
  harness.figures.failuresToOpen = failures;
  harness.figures.cooldownMs = cooldownMs;
  for (const when of ["at once", "a second before its time is over"]) {
    if (when !== "at once") harness.clock.advance(cooldownMs - 1_000);
    const said = await ask(harness, agent, `fail fast, ${when}`);
    harness.expect(
      `a call ${when} is refused without a request`,
      said.type === "breaker_open" && harness.endpoint.requests.length === failures,
      `${outcomeText(said)}; ${harness.endpoint.requests.length} requests`,
    );
  }
  harness.did(
    `Called it while it was open, at once and just before ${cooldownMs / 1_000} s were over on the drill's clock.`,
  );
}

/** Two processes' worth of agents on one state: while the probe of one is out, the other's call must not leave. */
async function probe(harness: Harness, agent: Agent, other: Agent): Promise<void> {
  const { endpoint } = harness;
  const before = endpoint.requests.length;
  const answered = Promise.withResolvers<void>();
  endpoint.otherwise(async () => {
    await answered.promise;
    return { type: "error", status: 500 };
  });
  harness.clock.advance(2_000);
  const first = ask(harness, agent, "the probe");
  try {
    await harness.until("one probe goes out when the time is over", () => endpoint.requests.length > before);
    const second = await ask(harness, other, "a call beside the probe");
    harness.expect(
      "a call beside the probe is refused without a request",
      second.type === "breaker_open" && endpoint.requests.length === before + 1,
      `${outcomeText(second)}; ${endpoint.requests.length - before} requests`,
    );
  } finally {
    answered.resolve();
    // Whatever was found, the probe is over before the harness is taken down.
    await Promise.allSettled([first]);
  }
  const state = await readBreaker(agent.rails.store.db, NAME);
  const { cooldownMs, maxCooldownMs } = agent.config.breaker;
  const doubledMs = Math.min(2 * cooldownMs, maxCooldownMs);
  harness.expect(
    `a failed probe opens it for twice as long (${doubledMs / 1_000} s)`,
    state.state === "open" && state.cooldownMs === doubledMs,
    state.state === "open" ? `open for ${state.cooldownMs / 1_000} s` : state.state,
  );
  harness.did("Let the probe fail, waited the longer time, and let the next probe be answered.");
  endpoint.otherwise({ type: "reply" });
  harness.clock.advance(doubledMs + 1_000);
  for (const what of ["the second probe", "a call after it"]) {
    const said = await ask(harness, agent, what);
    harness.expect(`${what} is answered`, said.type === "answered", outcomeText(said));
    harness.clock.advance(PAUSE_MS);
  }
  const end = await readBreaker(agent.rails.store.db, NAME);
  harness.expect("the breaker is closed again", end.state === "closed", end.state);
}
