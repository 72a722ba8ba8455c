import { dayInWords, monthInWords } from "./days.ts";
import { DAY_MS } from "./durations.ts";
import { assertNever } from "./errors.ts";
import { formatUsd } from "./money.ts";

/*
 * The one description of what a call counts in. The configuration and its documents, the counters and columns of the
 * database, and whatever shows or checks them are made from these three tables. A new row needs one migration beside it.
 */

/** What caps are stated in. `amount` names it in columns and in code: dollars are kept as micro-dollars. */
export const UNITS = [
  { name: "usd", amount: "micros", what: "US dollars" },
  { name: "tokens", amount: "tokens", what: "tokens of input and output" },
  { name: "calls", amount: "calls", what: "calls" },
] as const;

/** The name of a unit: `usd`, `tokens`, `calls`. */
export type UnitName = (typeof UNITS)[number]["name"];
/** The field that holds an amount in a unit. */
export type Amount = (typeof UNITS)[number]["amount"];
/** An amount in every unit, of a call or of a window. */
export type Amounts = Record<Amount, number>;

/**
 * Every window, the narrowest first. The period that an entry counts in stands in the ledger's `column`; configuration
 * keys begin with `key` (`daily_cap_usd`); the texts are for people, who are shown a window
 * without a cap where `isAlwaysShown`. A tick and a run of a job are periods by their id; the hour is the sum of its
 * minutes; the others follow the calendar: `periodOf` names the period that a day (`2026-11-21`) is in, and `lastDay` is
 * that period's last day.
 */
export const WINDOWS = [
  {
    name: "tick",
    column: "tick",
    key: "tick",
    title: "This tick",
    span: "one tick",
    short: "one tick",
    exampleUsd: "0.50",
    isAlwaysShown: false,
  },
  {
    name: "job",
    column: "job",
    key: "job",
    title: "This job",
    span: "one run of a job",
    short: "one job",
    exampleUsd: "0.10",
    isAlwaysShown: false,
  },
  {
    name: "hour",
    column: "minute",
    key: "hourly",
    title: "Last 60 minutes",
    span: "the last 60 minutes",
    short: "an hour",
    exampleUsd: "0.25",
    isAlwaysShown: true,
  },
  {
    name: "day",
    column: "day",
    key: "daily",
    title: "Today",
    span: "a calendar day in the agent's time zone",
    short: "a day",
    exampleUsd: "1.00",
    isAlwaysShown: true,
    calendar: { periodOf: (day: string) => day, lastDay: (day: string) => day },
  },
  {
    name: "week",
    column: "week",
    key: "weekly",
    title: "This week",
    span: "a calendar week, Monday to Sunday",
    short: "a week",
    exampleUsd: "5",
    isAlwaysShown: false,
    calendar: { periodOf: isoWeek, lastDay: (day: string) => plusDays(day, 6 - weekday(day)) },
  },
  {
    name: "month",
    column: "month",
    key: "monthly",
    title: "This month",
    span: "a calendar month",
    short: "a month",
    exampleUsd: "20",
    isAlwaysShown: true,
    calendar: { periodOf: (day: string) => day.slice(0, 7), lastDay: lastOfMonth },
  },
] as const;

type AnyWindow = (typeof WINDOWS)[number];
/** The name of a window: `tick`, `job`, `hour`, `day` and the rest of the table. */
export type WindowName = AnyWindow["name"];
/** Windows of the calendar: each is open from its first call to its end. */
export type CalendarWindow = Extract<AnyWindow, { calendar: object }>["name"];
/** Windows whose period is an instant's, whoever calls. */
type DatedWindow = Exclude<WindowName, "tick" | "job">;
/** The periods of an instant, by their columns in the ledger: `2026-11-21T10:04` in UTC, `2026-11-21`, `2026-11`. */
export type Periods = Record<Extract<AnyWindow, { name: DatedWindow }>["column"], string>;

/** The rows of the windows that follow the calendar. */
export const CALENDAR_WINDOWS = WINDOWS.filter((window) => "calendar" in window);
/** The rows of the windows whose period follows from the time of the call. */
export const DATED_WINDOWS = WINDOWS.filter((window) => window.name !== "tick" && window.name !== "job");

/**
 * Whose windows there are beside the agent's own: each has all dated windows to itself. `field` is a call's, `column` the
 * ledger's; `list` is where the configuration has their names and `caps`, and `runs` the window that caps of one run are for.
 */
export const OWNERS = [
  { name: "job", field: "jobName", column: "job_name", list: ["jobs"], runs: "job" },
  { name: "client", field: "client", column: "client", list: ["gateway", "clients"], runs: null },
] as const;

/** The kind of an owner of windows: `job`, `client`. */
export type OwnerName = (typeof OWNERS)[number]["name"];
type OwnerField = (typeof OWNERS)[number]["field"];
/** Columns of the ledger that say whose windows an entry counts in. */
export type OwnerColumns = Record<(typeof OWNERS)[number]["column"], string | null>;

/** Where in the agent's work a call is made: the tick's id, the job's key, and whose it is; null outside of one. */
export type Scope = { tick: string | null; job: string | null } & Partial<Record<OwnerField, string | null>>;

/** The counters of the agent as a whole; those of an owner are `job:digest`. */
export const AGENT = "agent";

/** The counter of all agents of a database together. */
export const FLEET = "fleet";

/** Names a cap by window and amount, `day_micros`. */
export type CapName = `${WindowName}_${Amount}`;
/** Caps as integers, micro-dollars for money; what is left out has no cap. */
export type Caps = Partial<Record<CapName, number>>;

/** One cap that applies to a call, and what is settled and reserved under it together. */
export interface CapSpend {
  window: WindowName;
  /** `agent`, or whose it is: `job:digest`, `fleet`. */
  scope: string;
  period: string;
  unit: UnitName;
  amount: Amount;
  cap: number;
  spent: number;
}

/** `day cap`, `week cap in tokens of job digest`. */
export function capWords({ window, scope, unit }: Pick<CapSpend, "window" | "scope" | "unit">): string {
  const inUnit = unit === "usd" ? "" : ` in ${unit}`;
  return `${window} cap${inUnit}${scope === AGENT ? "" : ` of ${scopeWords(scope)}`}`;
}

/** `job digest`, `all agents`. */
export function scopeWords(scope: string): string {
  return scope === FLEET ? "all agents" : scope.replace(":", " ");
}

/** When something counted in a period of a window: `on Sunday 29 November`, `in week 48`, `within 60 minutes`, `in one run`. */
export function spanWords({ window, period }: Pick<CapSpend, "window" | "period">): string {
  switch (window) {
    case "tick":
      return "in one tick";
    case "job":
      return "in one run";
    case "hour":
      return "within 60 minutes";
    case "day":
      return `on ${dayInWords(period)}`;
    case "week":
      return `in week ${Number(period.slice(-2))}`;
    case "month":
      return `in ${monthInWords(period)}`;
    default:
      return assertNever(window);
  }
}

/** `client laptop` of `client:laptop`, `job digest`, `all agents`; null for what names no owner of windows, as `model:ollama/x` does not. */
export function ownerWords(scope: string): string | null {
  const owner = OWNERS.find(({ name }) => scope.startsWith(`${name}:`));
  return owner === undefined && scope !== FLEET ? null : scopeWords(scope);
}

/** `$0.25`, `1200 tokens`. */
export function formatAmount(amount: Amount, value: number): string {
  if (amount === "micros") return formatUsd(value);
  return `${value} ${value === 1 ? amount.slice(0, -1) : amount}`;
}

/** ISO 8601: the week belongs to the year that its Thursday is in. */
export function isoWeek(day: string): string {
  const thursday = plusDays(day, 3 - weekday(day));
  const year = thursday.slice(0, 4);
  const week = 1 + Math.floor((msOf(thursday) - msOf(`${year}-01-01`)) / DAY_MS / 7);
  return `${year}-W${String(week).padStart(2, "0")}`;
}

function lastOfMonth(day: string): string {
  // Months count from 0 in a date, and from 1 in a day: this is the day before the first of the next.
  return new Date(Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)), 0)).toISOString().slice(0, 10);
}

/** 0 is Monday. */
export function weekday(day: string): number {
  return (new Date(msOf(day)).getUTCDay() + 6) % 7;
}

/** The day that is so many days later; both `YYYY-MM-DD`. */
export function plusDays(day: string, days: number): string {
  return new Date(msOf(day) + days * DAY_MS).toISOString().slice(0, 10);
}

function msOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}
