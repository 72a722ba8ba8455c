import type { Config } from "../../config/config.ts";
import type { Environment } from "../../config/environment.ts";
import { configHash } from "../../config/hash.ts";
import { HOST_CAPS } from "../../config/host-settings.ts";
import { KEY_VARIABLES } from "../../config/models-schema.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";

/** What it can be rendered for. */
export const FORMATS = ["systemd", "cron", "launchd", "compose"] as const;
/** One of `FORMATS`. */
export type Format = (typeof FORMATS)[number];

/** What every format says in its own words. Paths are absolute. */
export type ReleasePlan = ReturnType<typeof planRelease>;

/** What was rendered: one file, and those that go beside it. */
export interface Rendered {
  name: string;
  content: string;
  beside: readonly { name: string; content: string }[];
  /** What a person types, in this order, to use the file, wherever it is; the others are in its folder. */
  install(file: string): string[];
  /** And to be rid of it. */
  uninstall: string[];
}

/** What afk.timer has. */
const EVERY_SECONDS = 300;
const PLAIN_SETTINGS = [...HOST_CAPS.map(({ key }) => key.toUpperCase()), "KILL_FLAG", "TICK_SECONDS"];
const SECRET_SETTINGS = ["ALERT_WEBHOOK", ...KEY_VARIABLES];

/** The watchdog and the backup, as afk-watchdog.timer and afk-backup.timer have them. */
export const WATCHDOG = { everyMinutes: 10, minute: 2 };
/** At this time of the day; the newest `keep` stay. */
export const BACKUP = { hour: 3, minute: 30, keep: 7 };

/**
 * @param command the program and what comes before its arguments: node and the script, or afk itself
 * @param isContinuous the loop is rendered, and not a tick at each time
 * @throws AfkError (exit 78) for a path with a line break or another control character, which no format can hold.
 */
export function planRelease(
  config: Config,
  command: string[],
  environment: Environment,
  isContinuous = false,
) {
  const isSet = (name: string) => environment[name] !== undefined && environment[name] !== "";
  const { configFile, state, logs, stopFile } = config.paths;
  const plan = {
    ...{ agent: config.agent, command, configFile, state, logs, isContinuous },
    /** One of several agents under systemd's units, by its name there; null for the one without a name. */
    instance: environment.AFK_INSTANCE || null,
    /** A process of its own reads the phone. */
    readsPhone: config.remote.telegram !== null || config.remote.ntfy !== null,
    everySeconds: isSet("TICK_SECONDS") ? config.tickSeconds : EVERY_SECONDS,
    /** Host settings that are set where this is rendered, and are no secret. Without them the caps would be others. */
    settings: PLAIN_SETTINGS.filter(isSet).map((name): [name: string, value: string] => [
      name,
      name === "KILL_FLAG" ? stopFile : (environment[name] ?? ""),
    ]),
    /** Names of host settings that are set here and not written down, being secrets. */
    leftOut: SECRET_SETTINGS.filter(isSet),
    configHash: configHash(config),
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  const bad = [...command, configFile, state, stopFile].find((text) => /[\x00-\x1f\x7f]/.test(text));
  if (bad !== undefined)
    throw refuse(`the path ${JSON.stringify(bad)} has a control character in it, which no schedule can hold`);
  return plan;
}

/** The arguments of `afk backup` that make one a day and keep a week of them. */
export function backupArguments(state: string): string[] {
  return ["backup", `${state}/backups/afk-{date}.db`, "--keep", String(BACKUP.keep), "--force"];
}

/** A schedule that cannot be rendered (exit 78). */
export function refuse(message: string): AfkError {
  return new AfkError("not_renderable", message, { retry: "never", exitCode: EXIT.config });
}

/** A schedule by the clock: every so many minutes of an hour or hours of a day; null where the interval divides neither. */
export function evenInterval(
  everySeconds: number,
): { unit: "minutes" | "hours"; every: number } | { unit: "day" } | null {
  if (everySeconds % 60 !== 0) return null;
  const minutes = everySeconds / 60;
  if (minutes < 60) return 60 % minutes === 0 ? { unit: "minutes", every: minutes } : null;
  if (minutes % 60 !== 0) return null;
  const hours = minutes / 60;
  if (hours === 24) return { unit: "day" };
  return 24 % hours === 0 ? { unit: "hours", every: hours } : null;
}

/** A word that a POSIX shell takes as it is. */
export function shellQuote(word: string): string {
  return /^[\w@+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
