import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../support/temp.ts";

/** Work for models, drafts, files and feeds a few times a day, under caps that hold most of the time. */
export const BUSY = {
  agent: "simulated",
  timezone: "Europe/Berlin",
  budget: { daily_cap_usd: 0.05, hourly_cap_usd: 0.02, job_cap_usd: 0.015, tick_cap_usd: 0.02 },
  models: {
    chain: ["anthropic/claude-haiku-4-5", "ollama/qwen2.5:3b"],
    timeout: "30s",
    max_output_tokens: 200,
    providers: { anthropic: { api_key: "no-key-of-anybody" } },
  },
  breaker: { failures: 3, cooldown: "5m", max_cooldown: "1h" },
  egress: { allow: ["feeds.example", "replies.example"] },
  alerts: [{ type: "webhook", url: "https://alerts.example/hook" }],
  heartbeat: { ping_url: "https://ping.example/1" },
  jobs: [
    {
      name: "digest",
      kind: "digest",
      every: "6h",
      timeout: "10m",
      max_items: 5,
      sources: [{ feed: "https://feeds.example/a.xml" }, { folder: "./inbox" }],
    },
    {
      name: "triage",
      kind: "triage",
      schedule: "0 */5 * * *",
      timeout: "10m",
      replies: "https://replies.example/x",
      perRun: 2,
    },
  ],
};

/** The path of an afk.yaml that says this. */
export function configFile(content: object = BUSY): string {
  const file = join(tempDir(), "afk.yaml");
  writeFileSync(file, JSON.stringify(content));
  return file;
}

export const TRIAGE_WORKER = new URL("./triage-worker.ts", import.meta.url);
