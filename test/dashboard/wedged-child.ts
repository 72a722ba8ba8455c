import { get } from "node:http";
import { openAgent } from "../../src/agent.ts";
import { section } from "../../src/config/fields.ts";
import { serveDashboard } from "../../src/dashboard/server.ts";
import type { JobKind } from "../../src/jobs/job.ts";

/** Serves the page, and runs a job that never gives the event loop back. Its arguments: afk.yaml, and the state. */
const hang: JobKind = {
  kind: "hang",
  settings: section("Hangs.", {}),
  async run() {
    await asked.promise;
    process.stdout.write("hanging\n");
    for (;;);
  },
};

/** Resolves when the page has answered somebody. */
const asked = Promise.withResolvers<void>();

const [config, state] = process.argv.slice(2);
const agent = await openAgent({
  config,
  state,
  environment: {},
  kinds: [hang],
  ownsProcess: true,
  onLogLine(line) {
    process.stdout.write(`${line}\n`);
    const url = /"dashboard_started","url":"([^"]+)"/.exec(line)?.[1];
    if (url !== undefined) get(url, { agent: false }, (answer) => answer.resume().once("end", asked.resolve));
  },
});
serveDashboard(agent);
await agent.tick({ now: "hang" });
