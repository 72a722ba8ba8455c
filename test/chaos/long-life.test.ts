import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { receiver } from "../alerts/receiver.ts";
import { deployment, ollama } from "../support/afk.ts";
import { cases, patience, report } from "../support/chaos.ts";
import { contentServer } from "../support/content-server.ts";
import { runNode } from "../support/run-node.ts";

const CHILD = fileURLToPath(new URL("./support/long-life-child.ts", import.meta.url));

/** The first ones fill caches and compile code; a leak goes on behind them. */
const WARM_UP = 300;
const GROWTH_BYTES_MAX = 100_000;

it(
  "keeps nothing of a job, a call, a fetch, an alert or a ping that is over",
  async () => {
    const count = cases({ test: 200, chaos: 2_000 });
    const model = await ollama([]);
    const site = await contentServer({ "/page": "hello" });
    const service = await receiver(() => ({ body: "OK" }));
    const target = deployment({
      agent: "long-life",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["ollama/test-model"], providers: { ollama: { base_url: model.url } } },
      breaker: { calls_per_minute: 100_000 },
      egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 10_000 },
      alerts: [{ type: "webhook", url: `${service.url}/alerts`, on: ["draft_pending"] }],
      heartbeat: { ping_url: `${service.url}/ping` },
      jobs: [{ name: "live", kind: "live" }],
    });
    const args = [target.configFile, target.state, `${site.origin}/page`, String(WARM_UP), String(count)];
    const { stdout, stderr } = await runNode(CHILD, args);
    expect(stderr).toBe("");
    const { grownBytes } = JSON.parse(stdout) as { grownBytes: number };
    expect(model.requests.length).toBeGreaterThanOrEqual(WARM_UP + count - 1);
    expect(service.received.filter(({ path }) => path === "/ping").length).toBeGreaterThanOrEqual(count);
    expect(service.received.some(({ path }) => path === "/alerts")).toBe(true);
    report("long life", count, `the heap grew by ${Math.round(grownBytes / 1_000)} kB`);
    expect(grownBytes).toBeLessThanOrEqual(GROWTH_BYTES_MAX);
  },
  patience({ test: 240_000, chaos: 900_000 }),
);
