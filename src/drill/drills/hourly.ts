import { MINUTE_MS } from "../../lib/durations.ts";
import { ask, outcomeText } from "../ask.ts";
import { expensiveCall, fillUntilRefused } from "../fill.ts";
import type { Drill } from "../harness.ts";
import { hourlyCapMicros } from "../scratch-config.ts";

/** A minute more than the hour that counts. */
const LATER_MS = 62 * MINUTE_MS;

/** The cap of the last sixty minutes: it refuses, and lets go when they are over. */
export const hourly: Drill = {
  name: "hourly",
  description: "The hour's cap refuses a call before any request, and has room again an hour later",
  promise: "A burst of spending stops within the hour, long before the day's cap.",
  async run(harness) {
    const capMicros = hourlyCapMicros(harness.config.budget);
    const { text, inputPrice } = expensiveCall(capMicros);
    const deployment = harness.deploy({ caps: "hour", inputPrice });
    const agent = await harness.open(deployment, { clock: harness.clock });
    await fillUntilRefused(harness, { deployment, agent, window: "hour", capMicros, text });

    harness.clock.advance(LATER_MS);
    harness.did("Moved the drill's clock 62 minutes on, and called again.");
    const before = harness.endpoint.requests.length;
    const said = await ask(harness, agent, `later ${text}`);
    harness.expect(
      "there is room again",
      said.type === "answered" && harness.endpoint.requests.length === before + 1,
      outcomeText(said),
    );
    harness.figures.requestsAnHourLater = harness.endpoint.requests.length;
  },
};
