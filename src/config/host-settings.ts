import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { channelOfUrl } from "../alerts/channels/schema.ts";
import { DATED_WINDOWS, type UnitName } from "../lib/windows.ts";
import { BUDGET_KEYS } from "./caps.ts";
import { type Environment, readVariable } from "./environment.ts";
import type { ConfigIssue } from "./errors.ts";
import { USD_MAX } from "./fields.ts";
import { otherHomeProblem } from "./locations.ts";

/** What the host says, over the file: so that redeploying a file changes none of it. */
export interface HostSettings {
  /** By the key under `budget`: `DAILY_CAP_USD` is `daily_cap_usd`, and so with every window of the hour and the calendar. */
  caps: Record<string, number>;
  tickSeconds: number;
  channel: ChannelConfig | null;
}

const TICK_SECONDS_DEFAULT = 60;

/** Reads the host settings; faults go to `issues`, under the variable's name, and never show a secret. */
export function readHostSettings(environment: Environment, issues: ConfigIssue[]): HostSettings {
  const caps: HostSettings["caps"] = {};
  for (const { key, unit } of HOST_CAPS) {
    const cap = readCap(environment, key.toUpperCase(), unit, issues);
    if (cap !== null) caps[key] = cap;
  }
  checkKillFlag(environment, issues);
  return {
    caps,
    tickSeconds: readTickSeconds(environment, issues),
    channel: readChannel(environment, issues),
  };
}

/** The caps that the host can state, by the variable of the same name in capitals. */
export const HOST_CAPS = BUDGET_KEYS.filter(({ window }) =>
  DATED_WINDOWS.some(({ name }) => name === window.name),
);

function readCap(environment: Environment, name: string, unit: UnitName, issues: ConfigIssue[]) {
  if (unit !== "usd") {
    const what = `${unit} as a plain whole number, for example 500`;
    return readNumber(environment, { name, what, pattern: /^\d{1,12}$/ }, issues);
  }
  const what = `US dollars as a plain decimal number from 0 to ${USD_MAX}, for example 1.00`;
  return readNumber(environment, { name, what, pattern: /^\d{1,9}(?:\.\d{1,12})?$/, max: USD_MAX }, issues);
}

function readTickSeconds(environment: Environment, issues: ConfigIssue[]): number {
  const what = "a whole number of seconds from 1 to 86400";
  const limits = { name: "TICK_SECONDS", what, pattern: /^(?=.*[1-9])\d{1,5}$/, max: 86_400 };
  return readNumber(environment, limits, issues) ?? TICK_SECONDS_DEFAULT;
}

/** Number() takes '', '1e3', '0x10' and ' 1 ' for numbers; a setting is only what a person plainly wrote. */
function readNumber(
  environment: Environment,
  { name, what, pattern, max = Infinity }: { name: string; what: string; pattern: RegExp; max?: number },
  issues: ConfigIssue[],
): number | null {
  const text = environment[name];
  if (text === undefined) return null;
  if (pattern.test(text) && Number(text) <= max) return Number(text);
  issues.push({ path: name, message: `found ${JSON.stringify(text)}; write ${what}, or unset ${name}` });
  return null;
}

/** Where it leads is in `locate`; what leads nowhere would be a switch that nobody can set. */
function checkKillFlag(environment: Environment, issues: ConfigIssue[]): void {
  const path = environment.KILL_FLAG;
  if (path === undefined) return;
  const message =
    path === "" || path.includes("\0")
      ? "found no path; write the path of the stop file, or unset KILL_FLAG"
      : otherHomeProblem(path);
  if (message !== null) issues.push({ path: "KILL_FLAG", message });
}

/** An empty ALERT_WEBHOOK is one that was not filled in, as compose files pass it on. */
function readChannel(environment: Environment, issues: ConfigIssue[]): ChannelConfig | null {
  const path = "ALERT_WEBHOOK";
  const variable = readVariable(environment, path);
  if (variable.state === "unset") return null;
  if (variable.state === "broken") {
    issues.push({ path, message: variable.problem });
    return null;
  }
  const channel = channelOfUrl(variable.value.trim());
  if (typeof channel !== "string") return channel;
  issues.push({ path, message: channel });
  return null;
}
