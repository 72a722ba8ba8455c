import { DIGEST } from "../deployment.ts";
import { fillUntilRefused } from "../fill.ts";
import type { Drill, Harness } from "../harness.ts";
import { CAP_MICROS_MIN, dailyCapMicros } from "../scratch-config.ts";

/** The day's cap: filled up to a refusal, and once more as a cap of 0. */
export const cap: Drill = {
  name: "cap",
  description: "The day's cap refuses a call before any request is made",
  promise: "No call is made that could take a day's spending over its cap.",
  async run(harness) {
    const capMicros = dailyCapMicros(harness.config.budget);
    if (capMicros >= CAP_MICROS_MIN) await fillUntilRefused(harness, "day", capMicros);
    else harness.differ("The day's cap is too small to be filled by calls, so only a cap of 0 is drilled.");
    await zero(harness);
  },
};

/** The same tick with room and without: what differs is the cap alone. */
async function zero(harness: Harness): Promise<void> {
  const tick = async (caps: "as_they_are" | "zero") => {
    const before = harness.endpoint.requests.length;
    const deployment = harness.deploy({ caps, jobs: [DIGEST] });
    deployment.fillInbox(1);
    const agent = await deployment.open({ clock: harness.clock });
    const { outcome } = await agent.tick();
    return { deployment, outcome, requests: harness.endpoint.requests.length - before };
  };
  const withRoom = await tick("as_they_are");
  harness.did("Ran a tick that writes a digest, with room to spend.");
  harness.expect(
    "a tick with room asks the model",
    withRoom.outcome === "ok" && withRoom.requests > 0,
    `${withRoom.outcome}, ${withRoom.requests} requests`,
  );
  const { deployment, outcome, requests } = await tick("zero");
  harness.did("Ran the same tick with a daily cap of 0.");
  harness.expect("the tick is halted, which is no failure", outcome === "halted", outcome);
  harness.expect("no request was made under a cap of 0", requests === 0, `${requests} requests`);
  harness.expectLogged(deployment, "cap_hit");
  Object.assign(harness.figures, { requestsWithRoom: withRoom.requests, requestsUnderZeroCap: requests });
}
