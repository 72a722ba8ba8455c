import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeConfig } from "../harness/agent.ts";
import type { Benchmark, Row } from "../harness/benchmark.ts";
import { imageApp } from "../harness/image-app.ts";
import { compareProcesses, processTimeRow, runCommand } from "../harness/processes.ts";

const QUERY_ONCE = fileURLToPath(new URL("../harness/query-once.mjs", import.meta.url));
const ROUNDS = 30;
const BASELINE = "node: better-sqlite3, open the same database, one query";

/** What the timer costs each time that there is nothing to do. */
export const idleTick: Benchmark = {
  name: "idle-tick",
  question:
    "What does a tick cost that finds nothing to do, as the image runs it (its bundle and compile cache, without the container)?",
  async run(tools) {
    const app = await imageApp(tools);
    const folder = tools.folder();
    const place = {
      config: writeConfig(folder, {
        jobs: [{ name: "digest", kind: "digest", schedule: "0 6 * * *", sources: [{ folder: "." }] }],
      }),
      state: join(folder, "state"),
    };
    const tick = app.afk(["tick"], place);
    await runCommand(tick);
    // Beside the node_modules that it is to load better-sqlite3 from.
    const script = join(app.folder, "query-once.mjs");
    copyFileSync(QUERY_ONCE, script);
    const query = app.script(script, [join(place.state, "afk.db")]);
    const compared = await compareProcesses(tools, { baseline: query, subject: tick }, ROUNDS);
    const loading = await compareProcesses(
      tools,
      { baseline: query, subject: app.afk(["tick", "--help"], place) },
      ROUNDS,
    );
    const { subject, baseline } = compared;
    const rows: Row[] = [
      processTimeRow("afk tick, start to end", BASELINE, compared, { atMost: 1.6 }),
      processTimeRow(
        "afk tick --help: the code is loaded, and nothing done with it",
        BASELINE,
        loading,
        null,
      ),
      {
        subject: "afk tick, most memory resident",
        baseline: BASELINE,
        result: {
          type: "ratio",
          ratio: compared.memory,
          sides: `${subject.megabytes.median.toFixed(0)} MB against ${baseline.megabytes.median.toFixed(0)} MB`,
        },
        goal: { atMost: 1.5 },
      },
    ];
    return rows;
  },
};
