import { join } from "node:path";
import { writeConfig } from "../harness/agent.ts";
import type { Benchmark, Tools } from "../harness/benchmark.ts";
import { fillJobs, fillLedger } from "../harness/fill.ts";
import { type ImageApp, imageApp } from "../harness/image-app.ts";
import { type Command, compareTimes, processRow } from "../harness/processes.ts";
import { filledDatabase } from "../harness/raw.ts";

const ROUNDS = 25;

/** One glance, which is to be a glance after years too. */
export const statusSize: Benchmark = {
  name: "status-size",
  question: "Does `afk status --json` take longer as ledger and queue grow?",
  async run(tools) {
    const app = await imageApp(tools);
    const baseline = await statusOn(tools, app, { entries: 1_000, jobs: 1_000 });
    const subject = await statusOn(tools, app, { entries: 1_000_000, jobs: 100_000 });
    const compared = await compareTimes(tools, { baseline, subject }, ROUNDS);
    return [
      processRow(
        "afk status --json with 1,000,000 ledger entries and 100,000 jobs, start to end",
        "with 1,000 of each",
        compared,
        { atMost: 1.2 },
      ),
    ];
  },
};

/** A tenth of the jobs waits, which is more than ever should. */
async function statusOn(
  tools: Tools,
  app: ImageApp,
  { entries, jobs }: { entries: number; jobs: number },
): Promise<Command> {
  const folder = tools.folder();
  const place = { config: writeConfig(folder), state: join(folder, "state") };
  tools.say(`filling a ledger with ${entries.toLocaleString("en")} entries`);
  await filledDatabase(join(place.state, "afk.db"), (database) => {
    fillLedger(database, entries);
    fillJobs(database, { count: jobs * 0.9, state: "done" });
    fillJobs(database, { count: jobs * 0.1, state: "ready", name: "waiting" });
  });
  return app.afk(["status", "--json"], place);
}
