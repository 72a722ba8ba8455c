import { MINUTE_MS } from "../../lib/durations.ts";
import { fillUntilRefused } from "../fill.ts";
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
    const { agent, callText } = await fillUntilRefused(harness, "hour", capMicros);

    harness.clock.advance(LATER_MS);
    harness.did("Moved the drill's clock 62 minutes on, and called again.");
    const before = harness.endpoint.requests.length;
    const { completion, text } = await harness.ask(agent, `later ${callText}`);
    const { length } = harness.endpoint.requests;
    harness.expect("there is room again", completion !== null && length === before + 1, text);
    harness.figures.requestsAnHourLater = length;
  },
};
