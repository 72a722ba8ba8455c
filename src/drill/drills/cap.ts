import { DIGEST, fillInbox } from "../deployment.ts";
import { expensiveCall, fillUntilRefused } from "../fill.ts";
import type { Drill, Harness } from "../harness.ts";
import { CAP_MICROS_MIN, dailyCapMicros } from "../scratch-config.ts";

/** The day's cap: filled up to a refusal, and once more as a cap of 0. */
export const cap: Drill = {
  name: "cap",
  description: "The day's cap refuses a call before any request is made",
  promise: "No call is made that could take a day's spending over its cap.",
  async run(harness) {
    const capMicros = dailyCapMicros(harness.config.budget);
    if (capMicros >= CAP_MICROS_MIN) await fill(harness, capMicros);
    else harness.differ("The day's cap is too small to be filled by calls, so only a cap of 0 is drilled.");
    await zero(harness);
  },
};

async function fill(harness: Harness, capMicros: number): Promise<void> {
  const { text, inputPrice } = expensiveCall(capMicros);
  const deployment = harness.deploy({ caps: "day", inputPrice });
  const agent = await harness.open(deployment, { clock: harness.clock });
  await fillUntilRefused(harness, { deployment, agent, window: "day", capMicros, text });
}

/** The same tick with room and without: what differs is the cap alone. */
async function zero(harness: Harness): Promise<void> {
  const { endpoint } = harness;
  const counts: number[] = [];
  for (const caps of ["as_they_are", "zero"] as const) {
    const before = endpoint.requests.length;
    const deployment = harness.deploy({ caps, jobs: [DIGEST] });
    fillInbox(deployment, 1);
    const agent = await harness.open(deployment, { clock: harness.clock });
    const { outcome } = await agent.tick();
    counts.push(endpoint.requests.length - before);
    harness.did(
      caps === "zero"
        ? "Ran the same tick with a daily cap of 0."
        : "Ran a tick that writes a digest, with room to spend.",
    );
    if (caps === "as_they_are") {
      harness.expect(
        "a tick with room asks the model",
        outcome === "ok" && counts[0] !== 0,
        `${outcome}, ${counts[0]} requests`,
      );
      continue;
    }
    harness.expect("the tick is halted, which is no failure", outcome === "halted", outcome);
    harness.expect("no request was made under a cap of 0", counts[1] === 0, `${counts[1]} requests`);
    const lines = deployment.logged("cap_hit").length;
    harness.expect("the log has cap_hit", lines > 0, `${lines} lines`);
  }
  Object.assign(harness.figures, { requestsWithRoom: counts[0] ?? 0, requestsUnderZeroCap: counts[1] ?? 0 });
}
