import { openAgent } from "../../src/agent.ts";
import { section } from "../../src/config/fields.ts";
import { startDashboardThread } from "../../src/dashboard/thread.ts";
import type { JobKind } from "../../src/jobs/job.ts";

/** Serves the page, and runs a job that never gives the event loop back. Its arguments: afk.yaml, and the state. */
const hang: JobKind = {
  kind: "hang",
  settings: section("Hangs.", {}),
  async run() {
    // Until its thread is listening it could not be asked.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    for (;;);
  },
};

const [config, state] = process.argv.slice(2);
const agent = await openAgent({
  config,
  state,
  environment: {},
  kinds: [hang],
  ownsProcess: true,
  onLogLine: (line) => void process.stdout.write(`${line}\n`),
});
startDashboardThread(agent);
await agent.tick({ now: "hang" });
