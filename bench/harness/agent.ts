import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Agent, openAgent } from "../../src/agent.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { Tools } from "./benchmark.ts";
import { askingModel, type ModelEndpoint } from "./model.ts";

/** Every window has a cap, as much is to be checked as there can be; none is reached, and nothing runs away. */
export const AGENT_CONFIG = {
  agent: "bench",
  budget: {
    daily_cap_usd: 1_000,
    hourly_cap_usd: 500,
    monthly_cap_usd: 10_000,
    job_cap_usd: 1_000,
    tick_cap_usd: 1_000,
  },
  models: { chain: ["extractive"] },
  breaker: { calls_per_minute: 10_000, same_request_per_hour: 10_000 },
  jobs: [] as object[],
};

/** Writes afk.yaml into a folder and gives its path; JSON is YAML. */
export function writeConfig(folder: string, changes: object = {}): string {
  const path = join(folder, "afk.yaml");
  writeFileSync(path, JSON.stringify({ ...AGENT_CONFIG, ...changes }));
  return path;
}

/** A deployment in a new folder whose digest asks the model of one note. */
export function askingDigest(tools: Tools, server: ModelEndpoint): { config: string; state: string } {
  const folder = tools.folder();
  mkdirSync(join(folder, "inbox"));
  writeFileSync(join(folder, "inbox", "note.md"), "# A note\n\nThe harbour is open.\n");
  const config = writeConfig(folder, {
    ...askingModel(server),
    jobs: [{ name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] }],
  });
  return { config, state: join(folder, "state") };
}

/** An agent in this process, wired as every other one, that is closed with the benchmark. */
export async function openBenchAgent(
  tools: Tools,
  options: { folder?: string; changes?: object; clock?: Clock } = {},
): Promise<Agent> {
  const folder = options.folder ?? tools.folder();
  const agent = await openAgent({
    config: writeConfig(folder, options.changes),
    state: join(folder, "state"),
    environment: {},
    ...(options.clock && { clock: options.clock }),
  });
  tools.after(() => agent.close());
  return agent;
}
