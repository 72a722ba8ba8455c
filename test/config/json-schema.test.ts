// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildJsonSchema, renderJsonSchema, SCHEMA_FILE } from "../../scripts/json-schema.ts";
import { digest as example } from "../../src/cli/init/digest.ts";
import { renderTemplate } from "../../src/cli/init/template.ts";
import { jobKinds } from "../../src/jobs/registry.ts";
import { issuesOf, KINDS, linesOf, load, withBase } from "./support.ts";

type Sections = Record<string, unknown>;
const read = { name: "r", kind: "read", sources: [{ folder: "in" }] };
const plain = { name: "p", kind: "plain", command: [] };
const ntfy = { type: "ntfy", url: "https://ntfy.sh/topic" };
const telegram = { type: "telegram", url: "https://api.telegram.org/bot1:a", chat_id: 1 };
const budget = (over: Sections) => ({ budget: { daily_cap_usd: 1, ...over } });
const models = (over: Sections) => ({ models: { chain: ["extractive"], ...over } });
const ENVIRONMENT = { A: "5m", U: "https://example.org/x", W: "fallback" };

const VALID: [string, Sections][] = [
  ["the least", {}],
  ["a cap of nothing", budget({ daily_cap_usd: 0 })],
  [
    "every cap",
    budget({ hourly_cap_usd: 0.25, monthly_cap_usd: 20, job_cap_usd: 0.1, tick_cap_usd: 1_000_000 }),
  ],
  ["no warnings", budget({ warning_thresholds: [] })],
  ["a threshold of the whole", budget({ warning_thresholds: [1] })],
  ["a time zone", { timezone: "Europe/Berlin" }],
  ["a chain of all", models({ chain: ["ollama/qwen2.5:3b", "openai/a/b", "anthropic/x", "extractive"] })],
  [
    "a provider of the owner's",
    models({
      chain: ["mine/x"],
      providers: { mine: { type: "openai", base_url: "https://api.example.com/v1", token_limit: "both" } },
    }),
  ],
  ["a known provider with its type", models({ providers: { xai: { type: "openai", api_key: "key" } } })],
  ["fallback", models({ on_cap: "fallback" })],
  ["a combined duration", models({ timeout: "1h30m" })],
  ["a duration from the environment", models({ timeout: "${A}" })],
  ["an address from the environment", models({ providers: { ollama: { base_url: "${U}" } } })],
  ["a word from the environment", models({ on_cap: "${W}" })],
  ["an address of a service", models({ providers: { ollama: { base_url: "http://ollama:11434" } } })],
  ["a price of nothing", models({ prices: { "openai/x": { input: 0, output: 0 } } })],
  ["a breaker", { breaker: { failures: 1, cooldown: "90s", max_cooldown: "2d" } }],
  ["hosts", { egress: { allow: ["hnrss.org", "*.github.com", "a_b", "127.0.0.1"], allow_private: ["a_b"] } }],
  ["a contact", { egress: { contact: "ops@example.org" } }],
  ["a channel", { alerts: [ntfy] }],
  ["a channel of telegram", { alerts: [telegram] }],
  ["a chat by name", { alerts: [{ ...telegram, chat_id: "@ops" }] }],
  [
    "a chat in the address",
    { alerts: [{ type: "telegram", url: "https://api.telegram.org/bot1:a?chat_id=1" }] },
  ],
  ["a name", { alerts: [{ ...ntfy, name: "phone" }] }],
  ["events", { alerts: [{ ...ntfy, on: ["cap_hit", "threshold_cross"] }] }],
  ["a template", { alerts: [{ ...ntfy, template: "{agent} at {pct}% {} { x }" }] }],
  ["a ping", { heartbeat: { ping_url: "https://hc-ping.com/x", style: "uptime-kuma", grace: "1h" } }],
  ["no jobs", { jobs: [] }],
  [
    "jobs of both kinds",
    {
      jobs: [
        { ...read, schedule: "*/5 6-9 * jan,feb MON" },
        { ...plain, every: "4h" },
      ],
    },
  ],
  ["job limits", { jobs: [{ ...read, timeout: "10s", retry: { attempts: 1 }, max_items: 3 }] }],
  ["a value", { value: { minutes_saved_per_unit: 0, hourly_rate_usd: 12.5 } }],
  ["a floor of value", { value: { min_ratio: 1.5 } }],
  ["minutes of a job", { jobs: [{ ...read, minutes_saved_per_unit: 2.5 }] }],
  ["retention", { retention: { log_days: 1, log_max_mb: 1 } }],
];

const INVALID: [string, Sections][] = [
  [
    "a bound of replies in a field of nobody's",
    { models: { chain: ["extractive"], providers: { openai: { token_limit: "n_tokens" } } } },
  ],
  [
    "a bound of replies in Ollama's words",
    { models: { chain: ["extractive"], providers: { ollama: { token_limit: "max_tokens" } } } },
  ],
  [
    "a price of a cache below 0",
    { models: { chain: ["extractive"], prices: { "openai/x": { input: 1, output: 1, cache_read: -1 } } } },
  ],
  ["no agent", { agent: undefined }],
  ["an empty name", { agent: "" }],
  ["a name with a space", { agent: "a b" }],
  ["a name that is too long", { agent: "a".repeat(65) }],
  ["an unknown key at the top", { budgets: {} }],
  ["no budget", { budget: undefined }],
  ["no daily cap", { budget: {} }],
  ["a cap as text", budget({ daily_cap_usd: "1" })],
  ["a cap from the environment, which is a text", budget({ daily_cap_usd: "${A}" })],
  ["a negative cap", budget({ tick_cap_usd: -1 })],
  ["a cap beyond reason", budget({ job_cap_usd: 1_000_001 })],
  ["a cap left empty", budget({ hourly_cap_usd: null })],
  ["an unknown cap", budget({ yearly_cap_usd: 1 })],
  ["a threshold of 0", budget({ warning_thresholds: [0] })],
  ["a threshold above 1", budget({ warning_thresholds: [1.1] })],
  ["a threshold twice", budget({ warning_thresholds: [0.5, 0.5] })],
  ["an empty time zone", { timezone: "" }],
  ["no models", { models: undefined }],
  ["an empty chain", models({ chain: [] })],
  ["a model without provider", models({ chain: ["qwen2.5:3b"] })],
  ["a provider without model", models({ chain: ["ollama/"] })],
  ["another word for on_cap", models({ on_cap: "stop" })],
  ["no tokens", models({ max_output_tokens: 0 })],
  ["half a token", models({ max_output_tokens: 1.5 })],
  ["a duration without unit", models({ timeout: 5 })],
  ["a duration of no time", models({ timeout: "0m0s" })],
  ["a duration in the wrong order", models({ timeout: "5s1m" })],
  ["an empty duration", models({ timeout: "" })],
  ["an unknown provider", models({ providers: { cohere: { base_url: "https://api.cohere.ai" } } })],
  ["a provider of the owner's without an address", models({ providers: { mine: { type: "openai" } } })],
  ["a provider of a type that is none", models({ providers: { mine: { type: "x", base_url: "http://a" } } })],
  ["another type for a known provider", models({ providers: { openai: { type: "ollama" } } })],
  ["a provider that has no address of its own", models({ providers: { azure: { api_key: "k" } } })],
  ["an address without scheme", models({ providers: { ollama: { base_url: "ollama:11434" } } })],
  ["an address with a password", models({ providers: { ollama: { base_url: "http://a:b@ollama" } } })],
  ["a key with a space", models({ providers: { openai: { api_key: "a b" } } })],
  ["an empty key", models({ providers: { openai: { api_key: "" } } })],
  ["half a price", models({ prices: { "openai/x": { input: 1 } } })],
  ["a negative price", models({ prices: { "openai/x": { input: -1, output: 1 } } })],
  ["a price under a name that is none", models({ prices: { gpt: { input: 1, output: 1 } } })],
  ["a loop limit that one request would reach", { breaker: { same_request_per_hour: 1 } }],
  ["a negative spend limit of five minutes", { breaker: { usd_per_five_minutes: -1 } }],
  ["a breaker that opens after nothing", { breaker: { failures: 0 } }],
  ["a list for a section", { breaker: [] }],
  ["a list for prices", models({ prices: [] })],
  ["every host", { egress: { allow: ["*"] } }],
  ["a host with a scheme", { egress: { allow: ["https://a.org"] } }],
  ["a host with a port", { egress: { allow: ["a.org:80"] } }],
  ["a host with a path", { egress: { allow: ["a.org/x"] } }],
  ["a host for a list", { egress: { allow: "a.org" } }],
  ["too many requests", { egress: { requests_per_minute: 10_001 } }],
  ["a contact with a line break", { egress: { contact: "a\nb" } }],
  ["a channel without address", { alerts: [{ type: "ntfy" }] }],
  ["a channel without type", { alerts: [{ url: ntfy.url }] }],
  ["a channel of another type", { alerts: [{ ...ntfy, type: "sms" }] }],
  ["a channel with an unknown key", { alerts: [{ ...ntfy, topic: "x" }] }],
  ["telegram without a chat", { alerts: [{ ...telegram, chat_id: undefined }] }],
  ["a chat elsewhere", { alerts: [{ ...ntfy, chat_id: 1 }] }],
  ["a chat that is none", { alerts: [{ ...telegram, chat_id: "my chat" }] }],
  ["half a chat", { alerts: [{ ...telegram, chat_id: 1.5 }] }],
  ["no events", { alerts: [{ ...ntfy, on: [] }] }],
  ["an event that does not alert", { alerts: [{ ...ntfy, on: ["tick_started"] }] }],
  ["an unknown placeholder", { alerts: [{ ...ntfy, template: "{agent} {spend}" }] }],
  ["an empty template", { alerts: [{ ...ntfy, template: "" }] }],
  ["another style of ping", { heartbeat: { style: "cronitor" } }],
  ["a ping by mail", { heartbeat: { ping_url: "mailto:a@b.org" } }],
  ["jobs left empty", { jobs: null }],
  ["a job that is a text", { jobs: ["digest"] }],
  ["a job without name", { jobs: [{ ...plain, name: undefined }] }],
  ["a job name in capitals", { jobs: [{ ...plain, name: "P" }] }],
  ["a job without kind", { jobs: [{ ...plain, kind: undefined }] }],
  ["an unknown kind", { jobs: [{ ...plain, kind: "plane" }] }],
  ["two schedules", { jobs: [{ ...plain, schedule: "0 6 * * *", every: "1h" }] }],
  ["six fields", { jobs: [{ ...plain, schedule: "0 0 6 * * *" }] }],
  ["a nickname", { jobs: [{ ...plain, schedule: "@daily" }] }],
  ["an attempt too few", { jobs: [{ ...plain, retry: { attempts: 0 } }] }],
  ["a key of another kind", { jobs: [{ ...plain, max_items: 1 }] }],
  ["a missing key of the kind", { jobs: [{ name: "r", kind: "read" }] }],
  ["a fault deep in the kind's keys", { jobs: [{ ...read, sources: [{ feed: "x" }] }] }],
  ["a value that is negative", { value: { hourly_rate_usd: -1 } }],
  ["no days of logs", { retention: { log_days: 0 } }],
  ["an unknown key of retention", { retention: { days: 1 } }],
];

/** Faults that JSON Schema has no words for: it accepts these, and the parser refuses them. */
const BEYOND_SCHEMA: [string, Sections][] = [
  ["an unknown provider in the chain", models({ chain: ["cohere/x"] })],
  ["an unknown provider of a price", models({ prices: { "cohere/x": { input: 1, output: 1 } } })],
  [
    "a key of another type of provider",
    models({ providers: { gpu: { type: "ollama", base_url: "http://gpu", token_limit: "both" } } }),
  ],
  [
    "a name with a slash",
    models({ providers: { "a/b": { type: "openai", base_url: "https://api.example.com/v1" } } }),
  ],
  ["a variable that is unset", { agent: "${NOBODY_SETS_THIS}" }],
  ["a variable whose value does not fit", models({ timeout: "${U}" })],
  ["a malformed variable", { alerts: [{ ...ntfy, template: "${A-B}" }] }],
  ["an unknown time zone", { timezone: "Europe/Nowhere" }],
  ["a duration beyond its bound", models({ timeout: "2d" })],
  ["cooldowns that contradict", { breaker: { cooldown: "2h", max_cooldown: "1h" } }],
  ["a private host that is not allowed", { egress: { allow_private: ["b.org"] } }],
  ["an address with a port that is none", { heartbeat: { ping_url: "https://a.org:99999/" } }],
  ["telegram without a bot", { alerts: [{ ...telegram, url: "https://api.telegram.org/" }] }],
  ["a cron line that is none", { jobs: [{ ...plain, schedule: "61 6 * * *" }] }],
  ["a cron line that never fires", { jobs: [{ ...plain, schedule: "0 0 31 2 *" }] }],
  ["a job name twice", { jobs: [plain, plain] }],
  ["what the kind checks", { jobs: [{ ...read, sources: [{ feed: "https://not.allowed/" }] }] }],
];

/** Without the keys that a fault takes away. */
const documentOf = (over: Sections): unknown => JSON.parse(JSON.stringify(withBase(over)));

describe("the JSON Schema of afk.yaml", () => {
  let accepts: (document: unknown) => boolean;

  beforeAll(() => {
    const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false });
    const validate = ajv.compile(buildJsonSchema(KINDS) as object);
    accepts = (document) => validate(document) === true;
  });

  it.each(VALID)("accepts, as the parser does: %s", (_, over) => {
    const document = documentOf(over);
    load(document, { environment: ENVIRONMENT });
    expect(accepts(document)).toBe(true);
  });

  it.each(INVALID)("refuses, as the parser does: %s", (_, over) => {
    const document = documentOf(over);
    expect(issuesOf(document, { environment: ENVIRONMENT })).toHaveLength(1);
    expect(accepts(document)).toBe(false);
  });

  it.each(BEYOND_SCHEMA)("leaves to the parser: %s", (_, over) => {
    const document = documentOf(over);
    expect(issuesOf(document, { environment: ENVIRONMENT })).toHaveLength(1);
    expect(accepts(document)).toBe(true);
  });

  it("refuses what is no section at all", () => {
    for (const document of [[], null, "afk", 1]) expect(accepts(document)).toBe(false);
  });

  it("describes every key", () => {
    expect(undescribed(buildJsonSchema([]) as Sections, "")).toEqual([]);
  });
});

/** Paths of the keys without description. */
function undescribed(schema: Sections, path: string): string[] {
  const properties = (schema.properties ?? {}) as Record<string, Sections>;
  const below = Object.entries(properties).flatMap(([key, value]) => [
    ...(value.description === undefined ? [`${path}.${key}`] : []),
    ...undescribed(value, `${path}.${key}`),
  ]);
  return [...below, ...(schema.items ? undescribed(schema.items as Sections, `${path}[]`) : [])];
}

describe("the shipped afk.schema.json", () => {
  it("is what scripts/json-schema.ts makes of the job kinds there are", () => {
    // Out of date? Run: node scripts/json-schema.ts
    expect(readFileSync(SCHEMA_FILE, "utf8")).toBe(renderJsonSchema(jobKinds));
  });

  it("accepts, as the parser does, what afk init writes", () => {
    const answers = { agent: "a", timezone: "UTC", dailyCapUsd: 1, model: "ollama/qwen2.5:3b" };
    const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(SCHEMA_FILE, "utf8")));
    for (const feeds of [[], ["https://hnrss.org/frontpage"]]) {
      const text = renderTemplate({ ...answers, feeds }, example);
      expect(load(text, { jobKinds }).jobs).toHaveLength(1);
      expect(validate(parse(text))).toBe(true);
    }
  });

  it("gives the keys of every kind, so that a key too many is refused", () => {
    const validate = new Ajv({ strict: false }).compile(buildJsonSchema(jobKinds) as object);
    for (const { kind } of jobKinds) {
      const document = withBase({ jobs: [{ name: "a", kind, no_such_key: 1 }] });
      expect(validate(document)).toBe(false);
      expect(linesOf(document, { jobKinds }).join()).toContain("jobs[0].no_such_key: unknown key");
    }
  });
});
