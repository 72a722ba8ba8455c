import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openAgent } from "../../src/agent.ts";
import type { ModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { type Deployment, deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";
import { isChaos } from "../support/chaos.ts";

/** What a call costs: 7 tokens of reply, of which 100 are reserved. */
const OUTPUT_USD_PER_MILLION = 1_000;
const CALL_MICROS = 7_000;
const RESERVED_MICROS = 100_000;
const ITEMS = 30;
const SOON = { timeout: 30_000, interval: 50 };

interface Working {
  target: Deployment;
  server: ModelEndpoint;
  /** afk.yaml with another daily cap and other sections. */
  config(dailyCapUsd: unknown, rest?: Record<string, unknown>): Record<string, unknown>;
  spentMicros(): number;
}

/** `afk run` in the middle of a digest, one paid call after the other, under a daily cap of 5 dollars. */
async function working(): Promise<Working> {
  const server = await ollama([], { type: "slow", everyMs: 10 });
  const config: Working["config"] = (dailyCapUsd, rest = {}) =>
    digestConfig(server.url, {
      budget: { daily_cap_usd: dailyCapUsd },
      models: { prices: { "ollama/test-model": { input: 0, output: OUTPUT_USD_PER_MILLION } } },
      job: { max_items: ITEMS },
      rest: { dashboard: { enabled: false }, ...rest },
    });
  const target = deployment(config(5));
  fillInbox(target, ITEMS);
  target.start(["run"], { TICK_SECONDS: "1" });
  await server.request(5);
  const spentMicros = () => {
    const [row] = target.query<{ micros: number }>(
      "select settled_micros + reserved_micros as micros from budget_windows where window = 'day' and scope = 'agent'",
    );
    return row?.micros ?? 0;
  };
  return { target, server, config, spentMicros };
}

const WRITERS: Record<string, (target: Deployment, content: string) => void> = {
  "in place": (target, content) => writeFileSync(target.configFile, content),
  "by renaming a new file over it": (target, content) => {
    const next = join(target.dir, "afk.yaml.next");
    writeFileSync(next, content);
    renameSync(next, target.configFile);
  },
};

const BREAKS: [what: string, breakIt: (file: string) => string][] = [
  ["an unknown key", (file) => file.replace("{", '{ "nonsense": 1,')],
  ["a job that is wrong", (file) => file.replace('"digest"', '"Digest!"')],
  ["another agent's name", (file) => file.replace('"test-agent"', '"other-agent"')],
  ["YAML that ends in the middle", (file) => `${file.trimEnd().slice(0, -1)}\n"jobs`],
];

async function oneMoreTick(target: Deployment): Promise<void> {
  const begun = () => target.events().filter((event) => event === "tick_finished").length;
  const count = begun();
  await expect.poll(begun, SOON).toBeGreaterThan(count + 1);
}

function told(target: Deployment, event: string): string {
  return JSON.stringify(target.logs().filter((line) => line.event === event));
}

describe("the caps of afk.yaml while afk run is in the middle of a job", PROCESSES, () => {
  it.each(Object.keys(WRITERS).slice(isChaos() ? 0 : -1))(
    "hold for the next call when the file is written %s",
    async (writer) => {
      const { target, server, config, spentMicros } = await working();
      const before = spentMicros();
      const capMicros = 200_000;

      WRITERS[writer]!(target, JSON.stringify(config(capMicros / 1e6)));

      await expect.poll(() => target.events(), SOON).toContain("cap_hit");
      expect(spentMicros()).toBeLessThanOrEqual(Math.max(capMicros, before + RESERVED_MICROS));
      const calls = server.requests.length;
      await expect.poll(() => told(target, "config_changed"), SOON).toContain("daily cap 5.00 -> 0.20");
      await oneMoreTick(target);
      expect(server.requests).toHaveLength(calls);
      const { spend } = JSON.parse((await target.afk(["status", "--json"])).stdout);
      const day = spend.find(({ window }: { window: string }) => window === "day");
      expect(day.capUsd).toBe(0.2);
      expect(day.settledUsd + day.reservedUsd).toBeLessThanOrEqual(day.capUsd + RESERVED_MICROS / 1e6);

      WRITERS[writer]!(target, JSON.stringify(config(5)));

      await expect.poll(() => target.events(), SOON).toContain("job_done");
      expect(spentMicros()).toBe((ITEMS + 1) * CALL_MICROS);
      expect(told(target, "config_changed")).toContain("daily cap 0.20 -> 5.00");
      expect(told(target, "config_refused")).toBe("[]");
    },
  );

  it.each(BREAKS.slice(isChaos() ? 0 : -1))(
    "are the lower of both when the file has %s, which is told of once",
    async (_, breakIt) => {
      const { target, server, config, spentMicros } = await working();
      const before = spentMicros();

      target.configure(breakIt(JSON.stringify(config(0.2), null, 2)));

      await expect.poll(() => target.events(), SOON).toContain("cap_hit");
      expect(spentMicros()).toBeLessThanOrEqual(Math.max(200_000, before + RESERVED_MICROS));
      const calls = server.requests.length;
      await expect
        .poll(() => target.query("select event from alerts"), SOON)
        .toContainEqual({ event: "config_refused" });
      await oneMoreTick(target);
      expect(server.requests).toHaveLength(calls);
      expect(target.events().filter((event) => event === "config_refused")).toHaveLength(1);

      target.configure(config(5));

      await expect.poll(() => target.events(), SOON).toContain("job_done");
      expect(target.events().filter((event) => event === "config_refused")).toHaveLength(1);
    },
  );

  it("stay as they were when the file is gone, or its caps cannot be read or are higher", async () => {
    const { target, server, config, spentMicros } = await working();
    rmSync(target.configFile);
    await server.request(10);
    target.configure(config("abc"));
    await server.request(15);
    target.configure({ ...config(50), nonsense: 1 });
    await expect.poll(() => target.events(), SOON).toContain("job_done");
    expect(spentMicros()).toBe((ITEMS + 1) * CALL_MICROS);
    expect(told(target, "config_changed")).toBe("[]");
    // The last one stands for long enough to be told of.
    await expect.poll(() => told(target, "config_refused"), SOON).toContain("nonsense");
  });
});

describe("the rest of afk.yaml while afk run waits", PROCESSES, () => {
  it("is taken over before the next tick and told of in words, and a job that was added is run at once", async () => {
    const server = await ollama();
    const secret = "https://hooks.example.org/private-path-of-mine";
    const dashboard = { port: 0 };
    const target = deployment(digestConfig(server.url, { rest: { dashboard } }));
    fillInbox(target, 1);
    const run = target.start(["run"], { TICK_SECONDS: "3600" });
    await run.logged("job_done");
    const started = target.logs().find(({ event }) => event === "dashboard_started");
    const page = async () => (await fetch(String(started?.url))).text();
    expect(await page()).not.toContain("3.21");

    const { jobs, ...rest } = digestConfig(server.url, {
      budget: { daily_cap_usd: 3.21 },
      rest: { dashboard, alerts: [{ type: "webhook", url: secret, on: ["cap_hit"] }] },
    });
    const added = { name: "hello", kind: "exec", command: ["/bin/echo", "hello"] };
    target.configure({ ...rest, jobs: [...(jobs as object[]), added] });
    const enqueued = await target.afk(["enqueue", "hello", "--key", "hello-1"]);
    expect(enqueued).toMatchObject({ code: 0 });

    await expect
      .poll(() => target.query("select state from jobs where key = 'hello-1'"), SOON)
      .toEqual([{ state: "done" }]);
    expect(target.query("select * from dead_letters")).toEqual([]);
    expect(told(target, "config_changed")).toContain("job hello added");
    expect(told(target, "config_changed")).toContain("alert channel webhook");
    await expect.poll(page, SOON).toContain("3.21");
    expect(JSON.stringify(target.logs())).not.toContain("private-path");
  });
});

it("a host of the library is refused its next call under a cap that was lowered in the file", async () => {
  const config = { agent: "test-agent", budget: { daily_cap_usd: 1 }, models: { chain: ["extractive"] } };
  const target = deployment(config);
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  onTestFinished(() => agent.close());
  const call = () => agent.guard("anything", 0.1, async () => ({ value: "done", costUsd: 0.1 }));
  expect(await call()).toBe("done");
  target.configure({ ...config, budget: { daily_cap_usd: 0.15 } });
  await expect(call()).rejects.toMatchObject({ code: "cap_hit" });
  expect((await agent.status()).spend.find(({ window }) => window === "day")).toMatchObject({ capUsd: 0.15 });
  expect(target.events()).toContain("config_changed");
});
