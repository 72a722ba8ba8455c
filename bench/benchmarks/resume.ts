import { once } from "node:events";
import { join } from "node:path";
import { askingDigest } from "../harness/agent.ts";
import type { Benchmark } from "../harness/benchmark.ts";
import { fillJobs } from "../harness/fill.ts";
import { imageApp } from "../harness/image-app.ts";
import { localModel } from "../harness/model.ts";
import { start } from "../harness/processes.ts";
import { filledDatabase } from "../harness/raw.ts";
import { spreadOf } from "../harness/statistics.ts";

const JOBS = 100_000;
const RESTARTS = 8;

/** Killed in the middle of a call and started again, over and over: how long until the next request leaves. */
export const resume: Benchmark = {
  name: "resume",
  question: "How long from a restart after SIGKILL until work goes on, with 100,000 jobs queued?",
  async run(tools) {
    const app = await imageApp(tools);
    const server = await localModel(tools, { type: "hang" });
    const place = askingDigest(tools, server);
    await filledDatabase(join(place.state, "afk.db"), (database) =>
      fillJobs(database, { count: JOBS, state: "ready", name: "digest" }),
    );
    const samples: number[] = [];
    for (let restart = 0; restart <= RESTARTS; restart++) {
      const asked = server.request(server.requests.length + 1);
      const startedMs = performance.now();
      const child = start(app.afk(["tick"], place));
      await asked;
      // The first one follows no crash.
      if (restart > 0) samples.push(performance.now() - startedMs);
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      tools.calibrate();
    }
    const { median, q1, q3, count } = spreadOf(samples);
    return [
      {
        subject:
          "from the start of the process to its first request; no lease is waited for, since the lock shows that its holder is gone",
        baseline: null,
        result: {
          type: "figure",
          value: median,
          unit: "ms",
          note: `${q1.toFixed(0)} to ${q3.toFixed(0)}, n=${count}`,
        },
        goal: { atMost: 1_000 },
      },
    ];
  },
};
