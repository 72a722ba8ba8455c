import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { ChannelConfig } from "../alerts/channels/channel.ts";
import { HOST_CHANNEL, readChannels } from "../alerts/channels/schema.ts";
import { didYouMean } from "../lib/nearest.ts";
import { createRedactor } from "../lib/redact.ts";
import { KNOWN_PROVIDERS } from "../providers/registry.ts";
import { afterIssues } from "./after.ts";
import { lowerCaps, type StatedBudget, statedBudget } from "./caps.ts";
import type { Config, JobConfig } from "./config.ts";
import { fleetIssues, passwordOf, targetOf } from "./database.ts";
import { DATABASE_VARIABLE } from "./database-url.ts";
import { type Environment, readVariable } from "./environment.ts";
import { ConfigError, type ConfigIssue } from "./errors.ts";
import { isTimezone } from "./fields.ts";
import { gatewayIssues } from "./gateway-check.ts";
import { type HostSettings, readHostSettings } from "./host-settings.ts";
import type { JobSettingsKind } from "./job-kind.ts";
import { jobModelIssues } from "./job-models.ts";
import { MINUTES_SAVED_PER_UNIT, parseJobs } from "./jobs.ts";
import { expandHome, locate, otherHomeProblem } from "./locations.ts";
import { onlyIfIssues } from "./only-if-check.ts";
import { parse } from "./parse.ts";
import { formatPath, isSection } from "./path.ts";
import { remoteIssues, remoteSecrets } from "./remote.ts";
import { configSchema } from "./schema.ts";
import { collectSecrets } from "./secrets.ts";
import { type Replacement, substitute } from "./substitute.ts";
import { readYaml, readYamlLoosely } from "./yaml.ts";

/** Where the configuration is read from, and the kinds of jobs that it may name. */
export interface LoadOptions {
  environment: Environment;
  /** Path of afk.yaml; else AFK_CONFIG, else ./afk.yaml. */
  configFile?: string | undefined;
  /** The state directory; else AFK_STATE, else `state` beside afk.yaml. */
  state?: string | undefined;
  jobKinds: readonly JobSettingsKind[];
  /** Where relative paths of options and of the environment start. */
  cwd: string;
}

/**
 * Reads afk.yaml and the host settings. Where the state directory is missing it is not made.
 *
 * @throws ConfigError with every fault that was found (exit code 78).
 */
export function loadConfig(options: LoadOptions): Config {
  const { environment } = options;
  const paths = locate(options);
  const { configFile } = paths;
  const issues: ConfigIssue[] = [];
  const problem = otherHomeProblem(options.state || environment.AFK_STATE || "");
  // It would be a folder of that name, and in it a new and empty budget.
  if (problem !== null) issues.push({ path: options.state ? "--state" : "AFK_STATE", message: problem });

  const host = readHostSettings(environment, issues);
  const raw = withHostSettings(readYaml(configFile), host, environment);
  const substituted = substitute(raw, environment);
  const { value, replacements } = substituted;
  issues.push(...substituted.issues);

  const atBase = (path: string) => resolve(paths.base, expandHome(path, environment));
  const parsed = parseFile(value, replacements, { ...options, hostChannel: host.channel, atBase });
  issues.push(...parsed.issues.filter((issue) => !isReported(issue, substituted.issues)));
  if (parsed.output === null || issues.length > 0) throw refusal(configFile, issues, replacements);

  const { kinds, budget, value: worth, database, ...file } = parsed.output.file;
  // The host's channel is for agents that name none; its address is a secret all the same.
  const hostChannels = host.channel === null ? [] : [host.channel];
  const alerts = readChannels(file.alerts, file.alerts.length === 0 ? host.channel : null);
  const { jobs } = parsed.output;
  const { tls } = file.gateway;
  const config: Config = {
    ...file,
    database: targetOf(database, file),
    budget: { ...statedBudget(value), ...budget },
    alerts,
    gateway: { ...file.gateway, tls: tls && { cert: atBase(tls.cert), key: atBase(tls.key) } },
    kindFiles: kinds.map(atBase),
    kindHashes: kinds.map((path) => hashOf(atBase(path))),
    jobs,
    value: { ...worth, minutesSavedPerUnit: worth.minutesSavedPerUnit ?? MINUTES_SAVED_PER_UNIT },
    secrets: collectSecrets({
      file: value,
      channels: [...allChannels({ alerts, jobs }), ...hostChannels],
      heartbeat: file.heartbeat,
      replacements,
      others: [...remoteSecrets({ alerts, remote: file.remote }), ...passwordOf(database.url)],
    }),
    secretFiles: secretFilesOf(replacements, environment).map((path) => resolve(options.cwd, path)),
    paths,
    tickSeconds: host.tickSeconds,
  };
  const checked = [
    ...checkJobs(config, options.jobKinds),
    ...routeIssues(config),
    ...remoteIssues(config),
    ...jobModelIssues(config),
    ...onlyIfIssues(config, options.jobKinds),
    ...afterIssues(config.jobs),
    ...gatewayIssues(config),
    ...fleetIssues(config),
  ];
  if (checked.length > 0) throw refusal(configFile, checked, replacements);
  return config;
}

/** The caps that the file and the host state, as far as they can be read from a file that is refused. Throws nothing. */
export function loadCaps(configFile: string, environment: Environment): StatedBudget {
  const host = readHostSettings(environment, []);
  const readings = readYamlLoosely(configFile).map((top) => {
    const file = isSection(top) ? top : {};
    return statedBudget({ ...file, budget: overlay(file.budget, host.caps) });
  });
  return readings.reduce((lowest, each) => lowerCaps(lowest, each), statedBudget({}));
}

const TOKEN_VARIABLE = "DASHBOARD_TOKEN";

type RawSections = Record<string, unknown>;

/** Puts the host's caps, and the usual variables of provider keys where the file names no key, into the raw file. */
function withHostSettings(raw: unknown, host: HostSettings, environment: Environment): unknown {
  // An empty file is one in which every required key is missing.
  const top = raw === null ? {} : raw;
  if (!isSection(top)) return top;
  const result: RawSections = { ...top };
  const hasCaps = Object.keys(host.caps).length > 0;
  if (hasCaps) result.budget = overlay(result.budget, host.caps);
  if (isSection(result.dashboard ?? {}) && readVariable(environment, TOKEN_VARIABLE).state !== "unset") {
    // Where the file states one too, that one counts, as with the keys of providers.
    result.dashboard = { token: `\${${TOKEN_VARIABLE}}`, ...(result.dashboard ?? {}) };
  }
  if (isSection(result.database ?? {}) && readVariable(environment, DATABASE_VARIABLE).state !== "unset")
    result.database = { url: `\${${DATABASE_VARIABLE}}`, ...(result.database ?? {}) };
  for (const [name, { keyVariable, baseUrl }] of Object.entries(KNOWN_PROVIDERS)) {
    if (!isSection(result.models) || keyVariable === null) continue;
    const providers = isSection(result.models.providers) ? result.models.providers : {};
    // One without an address of its own is not there until the file names it.
    if (
      readVariable(environment, keyVariable).state === "unset" ||
      (baseUrl === null && !(name in providers))
    )
      continue;
    const stated = isSection(providers[name]) ? providers[name] : {};
    // It hands on its callers' own credentials, beside which a key of afk's has no place.
    if (stated.auth !== undefined) continue;
    const entry = overlay(providers[name], { api_key: stated.api_key ?? `\${${keyVariable}}` });
    result.models = overlay(result.models, {
      providers: overlay(result.models.providers, { [name]: entry }),
    });
  }
  return result;
}

/** `keys` over a section, or over nothing; anything else in its place is left to be refused. */
function overlay(section: unknown, keys: RawSections): unknown {
  if (section === undefined) return keys;
  return isSection(section) ? { ...section, ...keys } : section;
}

/** Every channel of a configuration: those of its alerts, and those that receivers of results have for themselves. */
export function allChannels({ alerts, jobs }: Pick<Config, "alerts" | "jobs">): ChannelConfig[] {
  const targets = jobs.flatMap(({ deliver }) => deliver.map(({ target }) => target));
  const channels = targets.flatMap((target) => (target.type === "channel" ? [target.channel] : []));
  return [...new Set([...alerts, ...channels])];
}

/** What parsing needs besides the file. */
interface ParseOptions extends LoadOptions {
  hostChannel: ChannelConfig | null;
  atBase: (path: string) => string;
}

function parseFile(value: unknown, replacements: readonly Replacement[], options: ParseOptions) {
  const written = new Map(replacements.map(({ path, written }) => [formatPath(path), written]));
  const file = parse(configSchema(), value, { prefix: [], written });
  const top = isSection(value) ? value : {};
  const timezone = typeof top.timezone === "string" && isTimezone(top.timezone) ? top.timezone : "UTC";
  const entries = Array.isArray(top.jobs) ? top.jobs : [];
  const minutesSavedPerUnit = file.output?.value.minutesSavedPerUnit;
  const channels = file.output === null ? null : readChannels(file.output.alerts, options.hostChannel);
  const { jobKinds: kinds, atBase } = options;
  const jobs = parseJobs(entries, { kinds, timezone, written, minutesSavedPerUnit, channels, atBase });
  const issues = [...file.issues, ...jobs.issues];
  if (file.output === null || jobs.output === null) return { output: null, issues };
  return { output: { file: file.output, jobs: jobs.output as JobConfig[] }, issues };
}

/** A text whose `${NAME}` could not be replaced is often malformed for that reason alone. */
function isReported(issue: ConfigIssue, earlier: readonly ConfigIssue[]): boolean {
  return earlier.some(({ path }) => path === issue.path);
}

/** Whoever loads the file says that it is not there; without its content there is nothing to tell apart. */
function hashOf(path: string): string {
  const content = statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path) : "";
  return hash("sha256", content);
}

/** Those of the variables that the file names, and of the host's channel. */
function secretFilesOf(replacements: readonly Replacement[], environment: Environment): string[] {
  const names = [...replacements.flatMap(({ values }) => [...values.keys()]), "ALERT_WEBHOOK"];
  return [...new Set(names)].flatMap((name) => environment[`${name}_FILE`] || []);
}

/** Names of channels that jobs route their alerts to and that there are not. */
function routeIssues({ jobs, alerts }: Config): ConfigIssue[] {
  // Without any, this may be a shell without ALERT_WEBHOOK, whose channel has this name.
  const names = alerts.length === 0 ? [HOST_CHANNEL] : alerts.map(({ name }) => name);
  return jobs.flatMap(({ alerts: route = [] }, job) =>
    route.flatMap((name, index) => {
      if (names.includes(name)) return [];
      const message = `there is no channel named ${name} under alerts. ${didYouMean(name, names)}`;
      return [{ path: formatPath(["jobs", job, "alerts", index]), message }];
    }),
  );
}

function checkJobs(config: Config, kinds: readonly JobSettingsKind[]): ConfigIssue[] {
  return config.jobs.flatMap((job, index) => {
    const kind = kinds.find((each) => each.kind === job.kind);
    return (kind?.check?.(job.settings, config) ?? []).map(({ path, message }) => {
      const separator = path === "" || path.startsWith("[") ? "" : ".";
      return { path: `jobs[${index}]${separator}${path}`, message };
    });
  });
}

/** The messages of kinds may quote what they were given; what came from the environment is shown by its name. */
function refusal(
  file: string,
  issues: readonly ConfigIssue[],
  replacements: readonly Replacement[],
): ConfigError {
  const values = replacements.flatMap((replacement) => [...replacement.values]);
  const redact = createRedactor([]);
  const hidden = issues.map(({ path, message }) => ({
    path,
    message: redact(
      values.reduce(
        (text, [name, value]) => (value.length >= 4 ? text.replaceAll(value, () => `\${${name}}`) : text),
        message,
      ),
    ),
  }));
  return new ConfigError(file, hidden);
}
