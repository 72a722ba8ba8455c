import { createHash } from "node:crypto";
import type { ChannelConfig } from "../../alerts/channels/channel.ts";
import { BUDGET_KEYS } from "../../config/caps.ts";
import type { BudgetConfig, Config, GatewayConfig, JobConfig, Schedule } from "../../config/config.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { MICROS_PER_USD } from "../../lib/money.ts";
import { createRedactor } from "../../lib/redact.ts";
import type { Caps } from "../../lib/windows.ts";

/** What a configuration says, by its subject in words: `daily cap` is `1.00`. A subject that only is there has `""`. */
export type Facts = Record<string, string>;

/** Everything that the agent is configured to do, without secrets: where alerts and pings go is a hash, keys are there or not. */
export function factsOf(config: Config): Facts {
  const redact = createRedactor(config.secrets);
  const { secrets: _secrets, paths: _paths, dashboard: _dashboard, ...stated } = config;
  const { alerts, jobs, models, egress, budget, gateway, ...rest } = stated;
  const { providers, chain, ...model } = models;
  const { allow, allowPrivate, ...network } = egress;
  const facts: Facts = {
    ...flat(rest, []),
    ...budgetFacts(budget),
    ...gatewayFacts(gateway),
    ...flat({ models: model, egress: network }, []),
    "model chain": chain.join(", "),
    ...Object.fromEntries(allow.map((host) => [`egress host ${host}`, ""])),
    ...Object.fromEntries(allowPrivate.map((host) => [`private egress host ${host}`, ""])),
  };
  for (const [name, { baseUrl, apiKey, auth }] of Object.entries(providers)) {
    facts[`provider ${name}`] = hostOf(baseUrl);
    const own = apiKey === null ? "none" : "given";
    facts[`key of provider ${name}`] = auth === "client" ? "the caller's own" : own;
  }
  for (const channel of alerts)
    facts[freeName(facts, `alert channel ${channel.type}`)] = wants(channel, redact);
  for (const job of jobs) Object.assign(facts, jobFacts(job));
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [clip(redact(name)), clip(redact(value))]),
  );
}

/** In words, one change each: `daily cap 1.00 -> 2.00`. `before` null: there was no release. */
export function differenceOf(before: Facts | null, now: Facts): string[] {
  if (before === null) return ["the first release"];
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return names.flatMap((name) => {
    const none = isCap(name) ? "none" : undefined;
    const [was, is] = [before[name] ?? none, now[name] ?? none];
    if (was === is) return [];
    if (was === undefined) return [is === "" || is === undefined ? `${name} added` : `${name} added: ${is}`];
    if (is === undefined) return [`${name} removed`];
    const subject = isJob(name) ? `${name}:` : name;
    return [`${subject} ${was || "-"} -> ${is || "-"}`];
  });
}

/** A job itself and not one of its facts: its name would run into the kind that stands first in what it says. */
function isJob(name: string): boolean {
  return /^job [^ :]+$/.test(name);
}

const VALUE_CHARS_MAX = 300;

function clip(text: string): string {
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX - 1)}…`.toWellFormed() : text;
}

/** Where it listens is left out, as with the page; of keys, whether there is one. */
function gatewayFacts({
  clients,
  models,
  listen: _listen,
  tls: _tls,
  isBehindProxy: _proxy,
  ...rest
}: GatewayConfig): Facts {
  const facts = flat({ gateway: { ...rest, models: models ?? "all with a price" } }, []);
  for (const { name, key, models: own, allow } of clients) {
    facts[`client ${name}`] = "";
    facts[`key of client ${name} in afk.yaml`] = key === null ? "none" : "given";
    facts[`models of client ${name}`] = own?.join(", ") ?? "all";
    if (allow.length > 0) facts[`allowed to client ${name}`] = [...allow].sort().join(", ");
  }
  return facts;
}

/** `daily cap`, `weekly cap in tokens of job digest`: where one is not among the facts there is none. */
function budgetFacts({ caps, owners, warningThresholds }: BudgetConfig): Facts {
  const facts: Facts = { "budget warning thresholds": warningThresholds.join(", ") };
  const add = (stated: Caps, of: string) => {
    for (const { cap, window, unit } of BUDGET_KEYS) {
      const value = stated[cap];
      const subject = `${window.key} cap${unit === "usd" ? "" : ` in ${unit}`}${of}`;
      if (value !== undefined) facts[subject] = unit === "usd" ? dollars(value) : String(value);
    }
  };
  add(caps, "");
  for (const [owner, named] of Object.entries(owners))
    for (const [name, stated] of Object.entries(named)) add(stated, ` of ${owner} ${name}`);
  return facts;
}

function isCap(name: string): boolean {
  return /^\w+ cap( in \w+)?( of .+)?$/.test(name);
}

/** Each leaf by its path: what the configuration grows by is in it without a line here. */
function flat(value: unknown, path: readonly string[]): Facts {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return Object.assign({}, ...Object.entries(value).map(([key, item]) => flat(item, [...path, key])));
  const subject = path.join(" ");
  // A ping's address is as good as a key.
  if (subject === "heartbeat pingUrl")
    return { "heartbeat ping": value === null ? "none" : shortHash(value) };
  return { [wordsOf(path)]: textOf(path.at(-1) ?? "", value) };
}

function wordsOf(path: readonly string[]): string {
  const isName = (part: string) => !/^[a-z]+[a-zA-Z]*$/.test(part);
  return path
    .map((part) =>
      isName(part)
        ? part
        : part.replace(/(Ms|Micros)$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    )
    .join(" ");
}

function textOf(key: string, value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number" && key.endsWith("Micros")) return dollars(value);
  if (typeof value === "number" && key.endsWith("Ms")) return formatDuration(value);
  return Array.isArray(value) ? value.map(String).join(", ") : String(value);
}

function dollars(micros: number): string {
  return (micros / MICROS_PER_USD).toFixed(6).replace(/0{1,4}$/, "");
}

function jobFacts(job: JobConfig): Facts {
  const { name, kind, schedule, settings, ...rest } = job;
  const limits = Object.entries(flat(rest, [])).map(([fact, value]) => [`job ${name}: ${fact}`, value]);
  return {
    [`job ${name}`]: `${kind}, ${scheduleText(schedule)}`,
    ...Object.fromEntries(limits),
    // What a kind makes of its entry is its own affair; that it is another one can be said.
    [`job ${name}: settings`]: shortHash(settings),
  };
}

/** `30 7 * * *`, `every 15 min`, `by hand`. */
export function scheduleText(schedule: Schedule): string {
  if (schedule.type === "cron") return schedule.expression;
  return schedule.type === "every" ? `every ${formatDuration(schedule.intervalMs)}` : "by hand";
}

function wants(channel: ChannelConfig, redact: (text: string) => string): string {
  const on = channel.on === null ? "warnings and errors" : channel.on.join(", ");
  return `${on}; ${shortHash([channel.url, channel.template, redact(JSON.stringify(channel.settings))])}`;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "no address";
}

function freeName(facts: Facts, name: string): string {
  let free = name;
  for (let n = 2; Object.hasOwn(facts, free); n++) free = `${name} (${n})`;
  return free;
}

function shortHash(value: unknown): string {
  return contentHash(JSON.stringify(value) ?? "").slice(0, 8);
}

/** SHA-256 in hexadecimal. */
export function contentHash(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}
