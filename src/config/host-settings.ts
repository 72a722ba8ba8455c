import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { channelOfUrl } from "../alerts/channels/schema.ts";
import { type Environment, readVariable } from "./environment.ts";
import type { ConfigIssue } from "./errors.ts";
import { USD_MAX } from "./fields.ts";
import { otherHomeProblem } from "./locations.ts";

/** What the host says, over the file: so that redeploying a file changes none of it. */
export interface HostSettings {
  /** By the key under `budget`. */
  capsUsd: Partial<Record<"daily_cap_usd" | "hourly_cap_usd" | "monthly_cap_usd", number>>;
  tickSeconds: number;
  channel: ChannelConfig | null;
}

const TICK_SECONDS_DEFAULT = 60;

/** Reads the host settings; faults go to `issues`, under the variable's name, and never show a secret. */
export function readHostSettings(environment: Environment, issues: ConfigIssue[]): HostSettings {
  const capsUsd: HostSettings["capsUsd"] = {};
  for (const window of ["daily", "hourly", "monthly"] as const) {
    const usd = readCap(environment, `${window.toUpperCase()}_CAP_USD`, issues);
    if (usd !== null) capsUsd[`${window}_cap_usd`] = usd;
  }
  checkKillFlag(environment, issues);
  return {
    capsUsd,
    tickSeconds: readTickSeconds(environment, issues),
    channel: readChannel(environment, issues),
  };
}

function readCap(environment: Environment, name: string, issues: ConfigIssue[]): number | null {
  const text = environment[name];
  if (text === undefined) return null;
  // Number() takes '', '1e3', '0x10' and ' 1 ' for numbers; a cap is only what a person plainly wrote.
  const usd = /^\d{1,9}(?:\.\d{1,12})?$/.test(text) ? Number(text) : Number.NaN;
  if (usd <= USD_MAX) return usd;
  const message = `found ${JSON.stringify(text)}; write US dollars as a plain decimal number from 0 to ${USD_MAX}, for example 1.00, or unset ${name}`;
  issues.push({ path: name, message });
  return null;
}

function readTickSeconds(environment: Environment, issues: ConfigIssue[]): number {
  const text = environment.TICK_SECONDS;
  if (text === undefined) return TICK_SECONDS_DEFAULT;
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= 86_400) return seconds;
  const message = `found ${JSON.stringify(text)}; write a whole number of seconds from 1 to 86400, or unset TICK_SECONDS`;
  issues.push({ path: "TICK_SECONDS", message });
  return TICK_SECONDS_DEFAULT;
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
