// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { describe, expect, it } from "vitest";
import { linesOf, withBase } from "./support.ts";

const channel = { type: "ntfy", url: "https://ntfy.sh/topic" };
const read = { name: "r", kind: "read", sources: [{ folder: "in" }] };
const plain = { name: "p", kind: "plain", command: [] };
const DURATION = "a duration with its unit, for example 90s, 5m, 4h, 2d or 1h30m; not 0 and at most";
const ADDRESS = "a whole address that begins with https:// or http://, for example";
const CRON =
  'a cron line of five fields (minute, hour, day, month, weekday), for example "0 6 * * *", or leave it out and write every: 4h';

/** What is put over a good document, and the whole of what is said about it. */
const MODELS =
  "ollama/MODEL, openai/MODEL, openrouter/MODEL, xai/MODEL, deepseek/MODEL, mistral/MODEL, groq/MODEL, together/MODEL, google/MODEL, anthropic/MODEL, extractive";

const FAULTS: [string, Record<string, unknown>, string][] = [
  [
    "a missing cap",
    { budget: {} },
    "budget.daily_cap_usd: missing; write the most this agent may spend in a day, in US dollars, for example 1.00 (0 = spend nothing)",
  ],
  [
    "a cap as text",
    { budget: { daily_cap_usd: "1" } },
    'budget.daily_cap_usd: found "1"; write the most this agent may spend in a day, in US dollars, for example 1.00 (0 = spend nothing)',
  ],
  [
    "a negative cap",
    { budget: { daily_cap_usd: 1, tick_cap_usd: -0.01 } },
    "budget.tick_cap_usd: found -0.01; write the most one tick may spend, in US dollars, for example 0.50 (0 = spend nothing)",
  ],
  [
    "a cap beyond reason",
    { budget: { daily_cap_usd: 1, job_cap_usd: 1_000_001 } },
    "budget.job_cap_usd: found 1000001; write the most one job may spend, in US dollars, for example 0.10 (0 = spend nothing)",
  ],
  [
    "a cap that is left empty",
    { budget: { daily_cap_usd: 1, hourly_cap_usd: null } },
    "budget.hourly_cap_usd: found nothing; write the most this agent may spend in an hour, in US dollars, for example 0.25 (0 = spend nothing)",
  ],
  [
    "a threshold in per cent",
    { budget: { daily_cap_usd: 1, warning_thresholds: [80] } },
    "budget.warning_thresholds[0]: found 80; write fractions of the cap, above 0 and at most 1, each once, for example [0.5, 0.8]",
  ],
  [
    "a threshold twice",
    { budget: { daily_cap_usd: 1, warning_thresholds: [0.5, 0.5] } },
    "budget.warning_thresholds: found a list; write fractions of the cap, above 0 and at most 1, each once, for example [0.5, 0.8]",
  ],
  ["an unknown key", { budgt: {} }, "budgt: unknown key; did you mean budget?"],
  [
    "an unknown key far from any",
    { retention: { wibble: 1 } },
    "retention.wibble: unknown key; known here: log_days, log_max_mb",
  ],
  [
    "a list for a section",
    { breaker: [] },
    "breaker: found a list; write a section, with `key: value` lines",
  ],
  [
    "a text for a section",
    { breaker: "on" },
    'breaker: found "on"; write a section with the keys failures, cooldown, max_cooldown, calls_per_minute, same_request_per_hour, usd_per_five_minutes',
  ],
  [
    "a name with a space",
    { agent: "my agent" },
    'agent: found "my agent"; write a name for the agent: letters, digits, dots, - and _, at most 64, for example morning-digest',
  ],
  [
    "a time zone that is none",
    { timezone: "Europe/Berln" },
    'timezone: found "Europe/Berln"; write a time zone of the IANA database, for example Europe/Berlin or UTC',
  ],
  [
    "an empty chain",
    { models: { chain: [] } },
    "models.chain: found an empty list; write a list of models in the order to try them, for example [ollama/qwen2.5:3b, extractive]",
  ],
  [
    "a provider that is none",
    { models: { chain: ["antropic/x"] } },
    `models.chain[0]: found "antropic/x"; did you mean anthropic/x? write one of ${MODELS}`,
  ],
  [
    "a provider's name with a typing error",
    { models: { chain: ["extractive"], providers: { antropic: { base_url: "https://api.anthropic.com" } } } },
    "models.providers.antropic.type: missing; did you mean anthropic? If not, write the protocol that it speaks: ollama, openai, anthropic",
  ],
  [
    "a provider that is none's type",
    {
      models: {
        chain: ["extractive"],
        providers: { mine: { type: "opnai", base_url: "https://a.example" } },
      },
    },
    'models.providers.mine.type: found "opnai"; did you mean openai? write one of ollama, openai, anthropic',
  ],
  [
    "a word that is not on the list",
    { models: { chain: ["extractive"], on_cap: "fallbck" } },
    'models.on_cap: found "fallbck"; did you mean fallback? write one of halt, fallback',
  ],
  [
    "half a token",
    { models: { chain: ["extractive"], max_output_tokens: 0.5 } },
    "models.max_output_tokens: found 0.5; write the most tokens of a reply: a whole number from 1 to 1000000",
  ],
  [
    "a base address without scheme",
    { models: { chain: ["extractive"], providers: { ollama: { base_url: "localhost:11434" } } } },
    `models.providers.ollama.base_url: found "localhost:11434"; write ${ADDRESS} http://localhost:11434, without user name or password`,
  ],
  [
    "a provider key with a space",
    { models: { chain: ["extractive"], providers: { openai: { api_key: "sk secret" } } } },
    "models.providers.openai.api_key: found a text of 9 characters; write the key as the provider shows it, without spaces, best as ${NAME} from the environment",
  ],
  [
    "a price under a name that is none",
    { models: { chain: ["extractive"], prices: { gpt: { input: 1, output: 1 } } } },
    'models.prices.gpt: found "gpt"; write prices under a model\'s name as in the chain, for example openai/my-model',
  ],
  [
    "half a price",
    { models: { chain: ["extractive"], prices: { "openai/x": { input: 1 } } } },
    'models.prices["openai/x"].output: missing; write US dollars per million tokens, for example 0.40',
  ],
  [
    "a duration without unit",
    { breaker: { cooldown: 5 } },
    `breaker.cooldown: found 5; write ${DURATION} 30d`,
  ],
  [
    "a duration that is too long",
    { models: { chain: ["extractive"], timeout: "25h" } },
    `models.timeout: found "25h"; write ${DURATION} 1d`,
  ],
  [
    "cooldowns that contradict",
    { breaker: { cooldown: "2h", max_cooldown: "1h" } },
    "breaker: max_cooldown is shorter than cooldown; write max_cooldown as long as cooldown, or longer",
  ],
  [
    "an address for a host",
    { egress: { allow: ["https://hnrss.org/frontpage"] } },
    'egress.allow[0]: found "https://hnrss.org/frontpage"; write a host name alone, without scheme, port or path: hnrss.org',
  ],
  [
    "a host with a port",
    { egress: { allow: ["hnrss.org:443"] } },
    'egress.allow[0]: found "hnrss.org:443"; write a host name alone, without scheme, port or path: example.org or *.example.org',
  ],
  [
    "every host",
    { egress: { allow: ["*"] } },
    'egress.allow[0]: found "*"; write a host name alone, without scheme, port or path: example.org or *.example.org',
  ],
  [
    "a private host that is not allowed",
    { egress: { allow: ["a.org"], allow_private: ["b.org"] } },
    "egress.allow_private: b.org is not allowed yet; write it in egress.allow too",
  ],
  [
    "a contact that would break a header",
    { egress: { contact: "a@b.org\r\nX: y" } },
    'egress.contact: found "a@b.org\\r\\nX: y"; write a mail or web address in plain ASCII, for example ops@example.org',
  ],
  [
    "a channel without address",
    { alerts: [{ type: "ntfy" }] },
    `alerts[0].url: missing; write ${ADDRESS} https://ntfy.sh/my-topic, without user name or password`,
  ],
  [
    "a channel type",
    { alerts: [{ ...channel, type: "slak" }] },
    'alerts[0].type: found "slak"; did you mean slack? write one of ntfy, webhook, discord, slack, telegram, email',
  ],
  [
    "a channel without type",
    { alerts: [{ url: channel.url }] },
    "alerts[0].type: missing; write one of ntfy, webhook, discord, slack, telegram, email",
  ],
  [
    "an alert address of another scheme",
    { alerts: [{ ...channel, url: "ftp://secret" }] },
    `alerts[0].url: found a text of 12 characters; write ${ADDRESS} https://ntfy.sh/my-topic, without user name or password`,
  ],
  [
    "a password in an address",
    { alerts: [{ ...channel, url: "https://me:pw@ntfy.sh/t" }] },
    `alerts[0].url: found a text of 23 characters; write ${ADDRESS} https://ntfy.sh/my-topic, without user name or password`,
  ],
  [
    "telegram without a chat",
    { alerts: [{ type: "telegram", url: "https://api.telegram.org/bot1:a" }] },
    "alerts[0]: telegram needs chat_id; write the number of the chat, or @name of a channel",
  ],
  [
    "telegram without a bot",
    { alerts: [{ type: "telegram", url: "https://api.telegram.org/", chat_id: 1 }] },
    "alerts[0]: the url names no bot; write https://api.telegram.org/bot<token>/sendMessage with the bot's token",
  ],
  [
    "a chat elsewhere",
    { alerts: [{ ...channel, chat_id: 1 }] },
    "alerts[0]: chat_id belongs to telegram; leave it out of a channel of type ntfy",
  ],
  [
    "a chat that is none",
    { alerts: [{ type: "telegram", url: "https://api.telegram.org/bot1:a", chat_id: "my chat" }] },
    'alerts[0].chat_id: found "my chat"; write the number of the chat, or @name of a channel',
  ],
  [
    "two chats",
    { alerts: [{ type: "telegram", url: "https://api.telegram.org/bot1:a?chat_id=2", chat_id: 1 }] },
    "alerts[0]: the chat is there twice; write it in the url, or as chat_id",
  ],
  [
    "a chat in the address that is none",
    { alerts: [{ type: "telegram", url: "https://api.telegram.org/bot1:a?chat_id=my+chat" }] },
    "alerts[0]: the url names no chat; write the number of the chat, or @name of a channel behind ?chat_id=",
  ],
  [
    "the name of another channel",
    { alerts: [channel, { ...channel, name: "a" }, { ...channel, name: "a" }] },
    "alerts[2].name: found the name a, which alerts[1] has already; write another",
  ],
  [
    "a name of a channel in capitals",
    { alerts: [{ ...channel, name: "Phone" }] },
    'alerts[0].name: found "Phone"; write a name of small letters, digits and -, at most 64, for example phone',
  ],
  [
    "no events",
    { alerts: [{ ...channel, on: [] }] },
    "alerts[0].on: found an empty list; write a list of event names, for example [cap_hit], or leave the key out for all warnings and errors",
  ],
  [
    "an unknown placeholder",
    { alerts: [{ ...channel, template: "{agent} {spend}" }] },
    'alerts[0].template: found "{agent} {spend}"; write a text with placeholders of these only: {version} {event} {agent} {severity} {ts} {title} {message} {period} {window} {pct} {threshold} {capUsd} {spentUsd} {unit} {cap} {spent} {scope} {job} {tick} {source} {key} {count} {date} {time}',
  ],
  [
    "a ping address",
    { heartbeat: { ping_url: "hc-ping.com/x" } },
    `heartbeat.ping_url: found a text of 13 characters; write ${ADDRESS} https://hc-ping.com/your-uuid, without user name or password`,
  ],
  [
    "a text for a number",
    { value: { hourly_rate_usd: "60" } },
    'value.hourly_rate_usd: found "60"; write US dollars per hour, for example 60',
  ],
  [
    "no days of logs",
    { retention: { log_days: 0 } },
    "retention.log_days: found 0; write how many days: a whole number from 1 to 3650",
  ],
  [
    "jobs left empty",
    { jobs: null },
    "jobs: found nothing; write a list of jobs, each beginning with `- name:`",
  ],
  [
    "a job that is a text",
    { jobs: ["digest"] },
    'jobs[0]: found "digest"; write a job: a section with name, kind and the keys of its kind',
  ],
  ["a job that is a list", { jobs: [[]] }, "jobs[0]: found a list; write a section, with `key: value` lines"],
  ["a job without kind", { jobs: [{ name: "a" }] }, "jobs[0].kind: missing; write the kind of the job"],
  [
    "an unknown kind",
    { jobs: [{ name: "a", kind: "plian" }] },
    'jobs[0].kind: found "plian"; did you mean plain? write one of read, plain',
  ],
  [
    "a job name in capitals",
    { jobs: [{ ...plain, name: "Digest" }] },
    'jobs[0].name: found "Digest"; write a name of small letters, digits and -, at most 64, for example digest',
  ],
  [
    "a job name twice",
    { jobs: [plain, { ...read, name: "p" }] },
    'jobs[1].name: found "p", which is the name of jobs[0] already; write another',
  ],
  [
    "a channel for a job's alerts that there is not",
    {
      alerts: [
        { ...channel, name: "phone" },
        { ...channel, url: "https://ntfy.sh/other" },
      ],
      jobs: [{ ...plain, alerts: ["phone", "phome"] }],
    },
    "jobs[0].alerts[1]: there is no channel named phome under alerts. Did you mean phone?",
  ],
  [
    "no channel for a job's alerts",
    { alerts: [channel], jobs: [{ ...plain, alerts: [] }] },
    "jobs[0].alerts: found an empty list; write a list of names of channels under alerts, for example [phone], or leave it out for all of them",
  ],
  [
    "two schedules",
    { jobs: [{ ...plain, schedule: "0 6 * * *", every: "1h" }] },
    "jobs[0]: found both schedule and every; write one of them",
  ],
  [
    "six fields",
    { jobs: [{ ...plain, schedule: "0 0 6 * * *" }] },
    `jobs[0].schedule: found "0 0 6 * * *"; write ${CRON}`,
  ],
  [
    "a nickname",
    { jobs: [{ ...plain, schedule: "@daily" }] },
    `jobs[0].schedule: found "@daily"; write ${CRON}`,
  ],
  [
    "a minute that is none",
    { jobs: [{ ...plain, schedule: "61 6 * * *" }] },
    'jobs[0].schedule: found "61 6 * * *" (Invalid value for minute: 61); write five fields: minute, hour, day, month, weekday, for example "0 6 * * *"',
  ],
  [
    "a day that never comes",
    { jobs: [{ ...plain, schedule: "0 0 31 2 *" }] },
    'jobs[0].schedule: found "0 0 31 2 *", which never comes; write a date that exists',
  ],
  [
    "a number for every",
    { jobs: [{ ...plain, every: 4 }] },
    `jobs[0].every: found 4; write ${DURATION} 365d`,
  ],
  [
    "no attempts",
    { jobs: [{ ...plain, retry: { attempts: 0 } }] },
    "jobs[0].retry.attempts: found 0; write how often to try: a whole number from 1 to 100",
  ],
  [
    "the attempts where they stood before",
    { jobs: [{ ...plain, max_attempts: 3 }] },
    "jobs[0].max_attempts: this key has moved; write retry: { attempts: 3 } instead",
  ],
  [
    "a mistyped key of retry",
    { jobs: [{ ...plain, retry: { giveup_after: "1h" } }] },
    "jobs[0].retry.giveup_after: unknown key; did you mean give_up_after?",
  ],
  [
    "a common key mistyped",
    { jobs: [{ ...plain, tmeout: "1m" }] },
    "jobs[0].tmeout: unknown key; did you mean timeout?",
  ],
  [
    "a kind's key mistyped",
    { jobs: [{ ...read, maxitems: 3 }] },
    "jobs[0].maxitems: unknown key; did you mean max_items?",
  ],
  [
    "a kind's missing key",
    { jobs: [{ name: "r", kind: "read" }] },
    "jobs[0].sources: missing; write a list of sources",
  ],
  [
    "a fault deep in a kind's key",
    { jobs: [{ ...read, sources: [{ folder: "in" }, { feed: "x" }] }] },
    'jobs[0].sources[1].feed: found "x"; write the address of a feed',
  ],
  [
    "a member of a union with a key too many",
    { jobs: [{ ...read, sources: [{ feed: "https://a.org", foldr: 1 }] }] },
    "jobs[0].sources[0].foldr: unknown key; known here: feed",
  ],
  [
    "no member of a union",
    { jobs: [{ ...read, sources: [{ wibble: 1 }] }] },
    "jobs[0].sources[0]: found a section with the keys wibble; write a section with one of the keys feed, folder",
  ],
  [
    "a kind without messages: a type",
    { jobs: [{ ...plain, command: "ls" }] },
    'jobs[0].command: found "ls"; expected a list',
  ],
  [
    "a kind without messages: a boolean",
    { jobs: [{ ...plain, shout: 1 }] },
    "jobs[0].shout: found 1; expected true or false",
  ],
  [
    "a kind without messages: a key",
    { jobs: [{ name: "p", kind: "plain" }] },
    "jobs[0].command: missing; write it",
  ],
];

describe("what is said of a fault", () => {
  it.each(FAULTS)("%s", (_, over, line) => {
    expect(linesOf(withBase(over))).toEqual([line]);
  });

  it("shortens long texts", () => {
    expect(linesOf(withBase({ agent: "x".repeat(1000) }))[0]).toContain(`found "${"x".repeat(60)}…";`);
  });

  it("takes the member of a union whose key was mistyped", () => {
    const jobs = [{ ...read, sources: [{ fed: "https://a.org" }] }];
    expect(linesOf(withBase({ jobs }))).toEqual([
      "jobs[0].sources[0].feed: missing; write the address of a feed",
      "jobs[0].sources[0].fed: unknown key; did you mean feed?",
    ]);
  });

  it("tells of every unknown key of a section, not of the first alone", () => {
    expect(linesOf(withBase({ breaker: { failurs: 1, cooldwn: "1m" } }))).toEqual([
      "breaker.failurs: unknown key; did you mean failures?",
      "breaker.cooldwn: unknown key; did you mean cooldown?",
    ]);
  });

  it("says that the whole is a section", () => {
    expect(linesOf([])).toEqual(["found a list; write a section, with `key: value` lines"]);
    expect(linesOf("just text")[0]).toMatch(/^found "just text"; write a section with the keys agent, /);
  });
});
