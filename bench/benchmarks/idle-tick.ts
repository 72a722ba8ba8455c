import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeConfig } from "../harness/agent.ts";
import type { Benchmark, Row } from "../harness/benchmark.ts";
import { imageApp } from "../harness/image-app.ts";
import {
  type ComparedProcesses,
  compareMemory,
  compareTimes,
  processRow,
  runCommand,
} from "../harness/processes.ts";

const QUERY_ONCE = fileURLToPath(new URL("../harness/query-once.mjs", import.meta.url));
const ROUNDS = 30;
const MEMORY_ROUNDS = 10;
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
    const help = app.afk(["tick", "--help"], place);
    const time = await compareTimes(tools, { baseline: query, subject: tick }, ROUNDS);
    const loading = await compareTimes(tools, { baseline: query, subject: help }, ROUNDS);
    const memory = await compareMemory({ baseline: query, subject: tick }, MEMORY_ROUNDS);
    return [
      figureRow("afk tick, start to end", time, 250),
      figureRow("afk tick, most memory resident", memory, 80),
      processRow("afk tick, start to end", BASELINE, time, null),
      processRow("afk tick --help: the code is loaded, and nothing done with it", BASELINE, loading, null),
      processRow("afk tick, most memory resident", BASELINE, memory, null),
    ];
  },
};

/** What the command itself takes, which is what the goal is about. */
function figureRow(subject: string, { subject: taken, unit }: ComparedProcesses, atMost: number): Row {
  const note = `${taken.q1.toFixed(0)} to ${taken.q3.toFixed(0)}`;
  const result: Row["result"] = { type: "figure", value: taken.median, unit, note };
  return { subject, baseline: null, result, goal: { atMost } };
}
