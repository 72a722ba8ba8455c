import { MINUTE_MS } from "../../lib/durations.ts";
import { ask, saidText } from "../ask.ts";
import type { Drill } from "../drill.ts";
import { expensiveCall, fillUntilRefused } from "../fill.ts";
import { hourlyCapMicros } from "../scratch-config.ts";

/** A minute more than the hour that counts. */
const LATER_MS = 62 * MINUTE_MS;

/** The cap of the last sixty minutes: it refuses, and lets go when they are over. */
export const hourly: Drill = {
  name: "hourly",
  description: "The hour's cap refuses a call before any request, and has room again an hour later",
  promise: "A burst of spending stops within the hour, long before the day's cap.",
  async run(bench) {
    const capMicros = hourlyCapMicros(bench.config.budget);
    const { text, inputPrice } = expensiveCall(capMicros);
    const deployment = bench.deploy({ caps: "hour", inputPrice });
    const agent = await bench.open(deployment, { clock: bench.clock });
    await fillUntilRefused(bench, { deployment, agent, window: "hour", capMicros, text });

    bench.clock.advance(LATER_MS);
    bench.did("Moved the drill's clock 62 minutes on, and called again.");
    const before = bench.endpoint.asked.length;
    const said = await ask(bench, agent, `later ${text}`);
    bench.expect(
      "there is room again",
      said.type === "answered" && bench.endpoint.asked.length === before + 1,
      saidText(said),
    );
    bench.figures.requestsAnHourLater = bench.endpoint.asked.length;
  },
};
