import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { askingDigest } from "../harness/agent.ts";
import type { Benchmark, Row, Tools } from "../harness/benchmark.ts";
import { type ImageApp, imageApp } from "../harness/image-app.ts";
import { localModel, type ModelEndpoint } from "../harness/model.ts";
import { start } from "../harness/processes.ts";
import { quantile } from "../harness/statistics.ts";

/** A word every 20 ms, for longer than any trial takes. */
const ENDLESS = { type: "slow", text: "word ".repeat(2_000), everyMs: 20 } as const;

const KILLS = ["STOP file", "afk stop", "SIGTERM"] as const;
type KillName = (typeof KILLS)[number];

/** A loop in the middle of a model's reply is stopped, by each kill that a person or a system has. */
export const killToGone: Benchmark = {
  name: "kill-to-gone",
  question: "How long from the kill switch to no process, in the middle of a reply?",
  async run(tools) {
    const app = await imageApp(tools);
    const server = await localModel(tools, ENDLESS);
    // A hundred in all.
    const trials = tools.isFull ? 34 : 10;
    const rows: Row[] = [];
    const all: number[] = [];
    for (const kill of KILLS) {
      tools.say(`${kill}, ${trials} times`);
      const samples: number[] = [];
      for (let trial = 0; trial < trials; trial++) samples.push(await stopOnce(tools, app, server, kill));
      all.push(...samples);
      rows.push(p99Row(kill, samples));
      tools.calibrate();
    }
    const value = Math.max(...all);
    rows.push({
      subject: "the longest of all",
      baseline: null,
      result: { type: "figure", value, unit: "ms", note: `${all.length} times` },
      goal: { atMost: 2_000 },
    });
    return rows;
  },
};

function p99Row(kill: KillName, samples: number[]): Row {
  const note = `median ${quantile(samples, 0.5).toFixed(0)} ms, ${samples.length} times`;
  return {
    subject: `${kill}${kill === "afk stop" ? ", from the start of that command" : ""}: 99th percentile`,
    baseline: null,
    result: { type: "figure", value: quantile(samples, 0.99), unit: "ms", note },
    goal: { atMost: 1_000 },
  };
}

/** Milliseconds until the process of `afk run` has ended. */
async function stopOnce(tools: Tools, app: ImageApp, server: ModelEndpoint, kill: KillName): Promise<number> {
  const place = askingDigest(tools, server);
  const asked = server.request(server.requests.length + 1);
  const child = start(app.afk(["run"], place));
  const gone = once(child, "exit");
  try {
    await asked;
    // Some words of the reply are there.
    await delay(100 + Math.random() * 250);
    const startedMs = performance.now();
    stop(child, app, place, kill);
    await gone;
    return performance.now() - startedMs;
  } finally {
    child.kill("SIGKILL");
  }
}

function stop(
  child: ChildProcess,
  app: ImageApp,
  place: { config: string; state: string },
  kill: KillName,
): void {
  if (kill === "STOP file") writeFileSync(join(place.state, "STOP"), "");
  else if (kill === "SIGTERM") child.kill("SIGTERM");
  else start(app.afk(["stop"], place));
}
