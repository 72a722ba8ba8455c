import type { Agent } from "../../agent.ts";
import { readBreaker } from "../../rails/breaker.ts";
import type { Drill, Harness } from "../harness.ts";
import { MODEL } from "../scratch-config.ts";

/** Longer than the minute that a burst is counted in. */
const PAUSE_MS = 61_000;

const stateOf = (agent: Agent) => readBreaker(agent.rails.store.db, `model:${MODEL}`);

/** Failures in a row, a breaker that opens, one probe, a failed probe, a good one. */
export const breaker: Drill = {
  name: "breaker",
  description: "The breaker opens at its threshold, fails fast, lets one probe through, and closes",
  promise: "A model that is broken is not called, and tried again with exactly one call.",
  async run(harness) {
    const { failures } = harness.config.breaker;
    const { endpoint, clock } = harness;
    const deployment = harness.deploy({});
    const agent = await deployment.open({ clock });
    const other = await deployment.open({ clock });

    endpoint.otherwise({ type: "error", status: 500 });
    await failInARow(harness, agent, failures);
    await failFast(harness, agent, failures);
    await probe(harness, agent, other);

    harness.expectLogged(deployment, "breaker_open");
    harness.expectLogged(deployment, "breaker_closed");
    harness.figures.requests = endpoint.requests.length;
    harness.expectRequests(
      `every request is accounted for: the ${failures} failures, two probes and one call after`,
      failures + 3,
    );
  },
};

async function failInARow(harness: Harness, agent: Agent, failures: number): Promise<void> {
  for (let call = 1; call <= failures; call++) {
    const { state } = await stateOf(agent);
    if (state !== "closed") harness.expect(`it is closed before failure ${call}`, false, state);
    await harness.ask(agent, `failure ${call}`);
    if (call < failures) harness.clock.advance(PAUSE_MS);
  }
  harness.did(`Let ${failures} calls fail in a row, the threshold of breaker.failures.`);
  harness.expectRequests("each of them reached the model", failures);
  const { state } = await stateOf(agent);
  harness.expect("the breaker is open after the last of them", state === "open", state);
}

async function failFast(harness: Harness, agent: Agent, failures: number): Promise<void> {
  const { cooldownMs } = agent.config.breaker;
  Object.assign(harness.figures, { failuresToOpen: failures, cooldownMs });
  for (const when of ["at once", "a second before its time is over"]) {
    if (when !== "at once") harness.clock.advance(cooldownMs - 1_000);
    await expectRefused(harness, agent, when, failures);
  }
  harness.did(
    `Called it while it was open, at once and just before ${cooldownMs / 1_000} s were over on the drill's clock.`,
  );
}

async function expectRefused(harness: Harness, agent: Agent, when: string, requests: number): Promise<void> {
  const { refusedBy, text } = await harness.ask(agent, `a call ${when}`);
  const { length } = harness.endpoint.requests;
  harness.expect(
    `a call ${when} is refused without a request`,
    refusedBy === "breaker" && length === requests,
    `${text}; ${length} requests`,
  );
}

/** Two processes' worth of agents on one state: while the probe of one is out, the other's call must not leave. */
async function probe(harness: Harness, agent: Agent, other: Agent): Promise<void> {
  const { endpoint, clock } = harness;
  const before = endpoint.requests.length;
  const answered = Promise.withResolvers<void>();
  endpoint.otherwise(async () => {
    await answered.promise;
    return { type: "error", status: 500 };
  });
  clock.advance(2_000);
  const first = harness.ask(agent, "the probe");
  try {
    await harness.until("one probe goes out when the time is over", () => endpoint.requests.length > before);
    await expectRefused(harness, other, "beside the probe", before + 1);
  } finally {
    answered.resolve();
    // Whatever was found, the probe is over before the harness is taken down.
    await Promise.allSettled([first]);
  }
  const state = await stateOf(agent);
  const { cooldownMs, maxCooldownMs } = agent.config.breaker;
  const doubledMs = Math.min(2 * cooldownMs, maxCooldownMs);
  harness.expect(
    `a failed probe opens it for twice as long (${doubledMs / 1_000} s)`,
    state.state === "open" && state.cooldownMs === doubledMs,
    state.state === "open" ? `open for ${state.cooldownMs / 1_000} s` : state.state,
  );
  harness.did("Let the probe fail, waited the longer time, and let the next probe be answered.");
  endpoint.otherwise({ type: "reply" });
  clock.advance(doubledMs + 1_000);
  for (const what of ["the second probe", "a call after it"]) {
    const { completion, text } = await harness.ask(agent, what);
    harness.expect(`${what} is answered`, completion !== null, text);
    clock.advance(PAUSE_MS);
  }
  const end = await stateOf(agent);
  harness.expect("the breaker is closed again", end.state === "closed", end.state);
}
