// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { BASE, folderForTest, issuesOf, KINDS, linesOf, load, refusal, withBase } from "./support.ts";

const EVERYTHING = `
agent: morning-digest
timezone: Europe/Berlin
budget:
  daily_cap_usd: 1.00
  hourly_cap_usd: 0.29
  monthly_cap_usd: 20
  job_cap_usd: 0.10
  tick_cap_usd: 0
  warning_thresholds: [0.8, 0.5]
models:
  chain: [ollama/qwen2.5:3b, anthropic/claude-haiku-4-5, extractive]
  on_cap: fallback
  max_output_tokens: 256
  timeout: 90s
  providers:
    ollama: { base_url: "http://ollama:11434/" }
    openai: { api_key: "\${KEY}" }
  prices: { "openai/my-model": { input: 0.10, output: 0.40 } }
breaker: { failures: 3, cooldown: 1m, max_cooldown: 1h30m }
egress:
  allow: [HNRSS.org, "*.github.com", internal]
  allow_private: [internal, api.github.com]
  requests_per_minute: 10
  contact: ops@example.org
alerts:
  - { type: ntfy, url: "\${TOPIC}" }
  - type: telegram
    url: https://api.telegram.org/bot123:abcdefghijklmnop
    chat_id: -100123
    on: [threshold_cross, cap_hit]
    template: "afk alert: {agent} at {pct}% of {period} cap"
heartbeat: { ping_url: "https://hc-ping.com/0f8b2a4e-1111-2222-3333-444455556666", style: uptime-kuma, grace: 10m }
jobs:
  - name: morning
    kind: read
    schedule: "0 6 * * *"
    sources: [{ feed: "https://hnrss.org/frontpage" }, { folder: ./inbox }]
    max_items: 30
  - { name: often, kind: plain, every: 4h, command: [ls], timeout: 10s, retry: { attempts: 2, first: 1s, max: 1m, give_up_after: 2h } }
  - { name: by-hand, kind: plain, command: [] }
value: { minutes_saved_per_unit: 15, hourly_rate_usd: 80 }
retention: { log_days: 7, log_max_mb: 1 }
`;

const ENVIRONMENT = { KEY: "sk-0123456789", TOPIC: "https://ntfy.sh/very-private-topic" };

describe("loadConfig", () => {
  it("reads which field bounds a reply, and the prices of a cache", () => {
    const { models } = load(
      withBase({
        models: {
          chain: ["openai/x"],
          providers: { openai: { base_url: "https://api.example.com/v1", token_limit: "both" } },
          prices: { "openai/x": { input: 1, output: 4, cache_read: 0, cache_write: 1.5 } },
        },
      }),
    );
    expect(models.providers.openai).toEqual({
      type: "openai",
      baseUrl: "https://api.example.com/v1",
      apiKey: null,
      settings: { token_limit: "both" },
    });
    expect(models.prices).toEqual({ "openai/x": { input: 1, output: 4, cacheRead: 0, cacheWrite: 1.5 } });
  });

  it("reads providers that are named by their owner, and known ones with nothing but a key", () => {
    const { models } = load(
      withBase({
        models: {
          chain: ["gpu/qwen2.5:3b", "xai/grok-4", "azure/mine", "work.proxy/x"],
          providers: {
            gpu: { type: "ollama", base_url: "http://10.0.0.2:11434/" },
            xai: { type: "openai", api_key: "${XAI_KEY}" },
            azure: { base_url: "https://me.openai.azure.com/openai/v1", api_key: "k-azure" },
            "work.proxy": { type: "openai", base_url: "https://proxy.example/v1", token_limit: "both" },
          },
          prices: { "azure/mine": { input: 1, output: 4 }, "work.proxy/x": { input: 1, output: 4 } },
        },
      }),
      { environment: { XAI_KEY: "k-xai-1", GROQ_API_KEY: "k-groq-1", AZURE_OPENAI_API_KEY: "k-of-nobody" } },
    );
    expect(models.providers).toMatchObject({
      gpu: { type: "ollama", baseUrl: "http://10.0.0.2:11434" },
      xai: { type: "openai", baseUrl: "https://api.x.ai/v1", apiKey: "k-xai-1" },
      azure: { type: "openai", apiKey: "k-azure" },
      groq: { apiKey: "k-groq-1" },
      "work.proxy": { settings: { token_limit: "both" } },
    });
    const alone = load(withBase({}), { environment: { AZURE_OPENAI_API_KEY: "k-azure" } });
    expect(alone.models.providers).not.toHaveProperty("azure");
  });

  it("reads every key into units, absolute paths and defaults", () => {
    const cwd = folderForTest();
    const config = load(EVERYTHING, { environment: ENVIRONMENT, cwd });
    const { secrets, ...rest } = config;
    expect(rest).toEqual({
      agent: "morning-digest",
      timezone: "Europe/Berlin",
      database: null,
      fleet: { dailyCapMicros: null },
      concurrency: 1,
      budget: {
        caps: {
          tick_micros: 0,
          job_micros: 100_000,
          hour_micros: 290_000,
          day_micros: 1_000_000,
          month_micros: 20_000_000,
        },
        owners: { job: {}, client: {} },
        warningThresholds: [0.5, 0.8],
      },
      models: {
        chain: ["ollama/qwen2.5:3b", "anthropic/claude-haiku-4-5", "extractive"],
        onCap: "fallback",
        maxOutputTokens: 256,
        timeoutMs: 90_000,
        providers: expect.objectContaining({
          ollama: { type: "ollama", baseUrl: "http://ollama:11434", apiKey: null, settings: {} },
          openai: {
            type: "openai",
            baseUrl: "https://api.openai.com/v1",
            apiKey: "sk-0123456789",
            settings: {},
          },
          anthropic: { type: "anthropic", baseUrl: "https://api.anthropic.com", apiKey: null, settings: {} },
          xai: { type: "openai", baseUrl: "https://api.x.ai/v1", apiKey: null, settings: {} },
        }),
        prices: { "openai/my-model": { input: 0.1, output: 0.4 } },
      },
      breaker: {
        failures: 3,
        cooldownMs: 60_000,
        maxCooldownMs: 5_400_000,
        callsPerMinute: 600,
        sameRequestPerHour: 20,
        spendPerFiveMinutesMicros: null,
      },
      egress: {
        allow: ["hnrss.org", "*.github.com", "internal"],
        allowPrivate: ["internal", "api.github.com"],
        requestsPerMinute: 10,
        contact: "ops@example.org",
      },
      alerts: [
        {
          type: "ntfy",
          name: "ntfy",
          url: "https://ntfy.sh/very-private-topic",
          on: null,
          template: null,
          settings: null,
        },
        {
          type: "telegram",
          url: "https://api.telegram.org/bot123:abcdefghijklmnop/sendMessage",
          name: "telegram",
          on: ["threshold_cross", "cap_hit"],
          template: "afk alert: {agent} at {pct}% of {period} cap",
          settings: { chatId: "-100123" },
        },
      ],
      gateway: {
        listen: null,
        tls: null,
        isBehindProxy: false,
        maxOutputTokens: 32_000,
        timeoutMs: 1_800_000,
        onDisconnect: "finish",
        replays: true,
        models: null,
        clients: [],
      },
      heartbeat: {
        pingUrl: "https://hc-ping.com/0f8b2a4e-1111-2222-3333-444455556666",
        style: "uptime-kuma",
        graceMs: 600_000,
        emptyTicks: 3,
      },
      remote: { telegram: null, ntfy: null },
      kindFiles: [],
      kindHashes: [],
      jobs: [
        {
          name: "morning",
          kind: "read",
          schedule: { type: "cron", expression: "0 6 * * *" },
          timeoutMs: 2_700_000,
          retry: { attempts: 5, firstMs: 30_000, maxMs: 3_600_000, giveUpAfterMs: 86_400_000 },
          minutesSavedPerUnit: 15,
          deliver: [],
          progressMs: null,
          settings: {
            sources: [{ feed: "https://hnrss.org/frontpage" }, { folder: "./inbox" }],
            max_items: 30,
          },
        },
        {
          name: "often",
          kind: "plain",
          schedule: { type: "every", intervalMs: 14_400_000 },
          timeoutMs: 10_000,
          retry: { attempts: 2, firstMs: 1_000, maxMs: 60_000, giveUpAfterMs: 7_200_000 },
          minutesSavedPerUnit: 15,
          deliver: [],
          progressMs: null,
          settings: { command: ["ls"] },
        },
        {
          name: "by-hand",
          kind: "plain",
          schedule: { type: "manual" },
          timeoutMs: 2_700_000,
          retry: { attempts: 5, firstMs: 30_000, maxMs: 3_600_000, giveUpAfterMs: 86_400_000 },
          minutesSavedPerUnit: 15,
          deliver: [],
          progressMs: null,
          settings: { command: [] },
        },
      ],
      dashboard: { isEnabled: true, port: 4235, bind: "127.0.0.1", hosts: [], token: null, url: null },
      value: { minutesSavedPerUnit: 15, hourlyRateUsd: 80, minRatio: null },
      secretFiles: [],
      retention: { logDays: 7, logMaxBytes: 1_048_576 },
      paths: {
        configFile: join(cwd, "afk.yaml"),
        base: cwd,
        state: join(cwd, "state"),
        database: join(cwd, "state", "afk.db"),
        lock: join(cwd, "state", "lock.db"),
        gatewayLock: join(cwd, "state", "gateway-lock.db"),
        remoteLock: join(cwd, "state", "remote-lock.db"),
        homes: join(cwd, "state", "homes"),
        repos: join(cwd, "state", "repos"),
        highWater: join(cwd, "state", "high-water.json"),
        machine: join(cwd, "state", "machine.json"),
        out: join(cwd, "state", "out"),
        logs: join(cwd, "state", "logs"),
        runs: join(cwd, "state", "runs"),
        stopFile: join(cwd, "state", "STOP"),
      },
      tickSeconds: 60,
    });
    expect(secrets).toContain("sk-0123456789");
  });

  it("fills in what may be left out", () => {
    const config = load(BASE);
    expect(config.timezone).toBe("UTC");
    expect(config.budget).toEqual({
      caps: { day_micros: 1_000_000 },
      owners: { job: {}, client: {} },
      warningThresholds: [0.5, 0.8],
    });
    expect(config.models).toMatchObject({
      onCap: "halt",
      maxOutputTokens: 512,
      timeoutMs: 300_000,
      prices: {},
    });
    expect(config.models.providers.ollama?.baseUrl).toBe("http://localhost:11434");
    expect(config.breaker).toEqual({
      failures: 5,
      cooldownMs: 300_000,
      maxCooldownMs: 21_600_000,
      callsPerMinute: 600,
      sameRequestPerHour: 20,
      spendPerFiveMinutesMicros: null,
    });
    expect(config.egress).toEqual({ allow: [], allowPrivate: [], requestsPerMinute: 30, contact: null });
    expect(config.heartbeat).toEqual({
      pingUrl: null,
      style: "healthchecks",
      graceMs: 1_800_000,
      emptyTicks: 3,
    });
    expect(config).toMatchObject({ alerts: [], jobs: [], secrets: [], tickSeconds: 60 });
    expect(config.value).toEqual({ minutesSavedPerUnit: 30, hourlyRateUsd: 60, minRatio: null });
    expect(config.retention).toEqual({ logDays: 14, logMaxBytes: 200 * 1024 * 1024 });
  });

  it("accepts a cap of nothing", () => {
    expect(load(withBase({ budget: { daily_cap_usd: 0 } })).budget.caps.day_micros).toBe(0);
  });

  it("tells of every fault at once, and with exit code 78", () => {
    const document = {
      agent: "x y",
      budget: {},
      models: { chain: [] },
      brekaer: {},
      jobs: [{ name: "a", kind: "raed" }],
    };
    const error = refusal(() => load(document));
    expect(error.exitCode).toBe(78);
    expect(error.retry).toBe("never");
    expect(error.issues.map((issue) => issue.path).sort()).toEqual([
      "agent",
      "brekaer",
      "budget.daily_cap_usd",
      "jobs[0].kind",
      "models.chain",
    ]);
    expect(error.message).toContain(
      "  budget.daily_cap_usd: missing; write the most this agent may spend in a day, in US dollars, for example 1.00 (0 = spend nothing)",
    );
  });

  it("asks for the required keys of an empty file", () => {
    expect(issuesOf("").map((issue) => issue.path)).toEqual(["agent", "budget", "models"]);
    expect(issuesOf("# nothing yet\n")).toHaveLength(3);
  });

  it("lets a kind check its settings against the whole, under the path of its entry", () => {
    const jobs = [
      { name: "a", kind: "plain", command: [] },
      { name: "b", kind: "read", sources: [{ folder: "x" }, { feed: "https://example.org/f" }] },
    ];
    expect(linesOf(withBase({ jobs }))).toEqual([
      "jobs[1].sources[1].feed: https://example.org/f is at a host that egress.allow lacks",
    ]);
    expect(load(withBase({ jobs, egress: { allow: ["example.org"] } })).jobs).toHaveLength(2);
  });

  it("puts no separator before the path of a check that begins with a position, or is empty", () => {
    const kind = {
      ...KINDS[1]!,
      check: () => [
        { path: "[0]", message: "no" },
        { path: "", message: "never" },
      ],
    };
    const document = withBase({ jobs: [{ name: "a", kind: "plain", command: [] }] });
    expect(linesOf(document, { jobKinds: [kind] })).toEqual(["jobs[0][0]: no", "jobs[0]: never"]);
  });
});

describe("where the files are", () => {
  const others = { jobKinds: [] };

  function folders() {
    const cwd = folderForTest();
    for (const name of ["a", "b"]) {
      mkdirSync(join(cwd, name));
      writeFileSync(join(cwd, name, "afk.yaml"), JSON.stringify({ ...BASE, agent: name }));
    }
    return cwd;
  }

  it("takes the option before AFK_CONFIG and AFK_STATE, relative to the working directory", () => {
    const cwd = folders();
    const environment = { AFK_CONFIG: "a/afk.yaml", AFK_STATE: "/elsewhere" };
    const byOption = loadConfig({ environment, cwd, ...others, configFile: "b/afk.yaml", state: "there" });
    expect(byOption.agent).toBe("b");
    expect(byOption.paths).toMatchObject({ base: join(cwd, "b"), state: join(cwd, "there") });
    const byEnvironment = loadConfig({ environment, cwd, ...others });
    expect(byEnvironment.agent).toBe("a");
    expect(byEnvironment.paths).toMatchObject({ base: join(cwd, "a"), stopFile: "/elsewhere/STOP" });
  });

  it("says how to make a file that is missing", () => {
    const cwd = folderForTest();
    const error = refusal(() => loadConfig({ environment: {}, cwd, ...others }));
    expect(error.message).toContain(join(cwd, "afk.yaml"));
    expect(error.message).toContain("`afk init` makes one");
    expect(error.exitCode).toBe(78);
  });

  it("refuses a folder", () => {
    const cwd = folderForTest();
    const error = refusal(() => loadConfig({ environment: {}, cwd, ...others, configFile: "." }));
    expect(error.message).toContain("this is a folder");
  });
});
