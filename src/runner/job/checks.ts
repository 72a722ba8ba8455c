import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { JobConfig } from "../../config/config.ts";
import { checkedLookup, systemResolve } from "../../egress/address.ts";
import { createConnect } from "../../egress/connect.ts";
import type { MailAccess } from "../../egress/imap/access.ts";
import { checkUrl, describeUrl, mayBePrivate } from "../../egress/url.ts";
import { exchange } from "../../http/exchange.ts";
import type { AgentSettings } from "../../jobs/agent/settings.ts";
import type { ExecSettings } from "../../jobs/exec/settings.ts";
import { openJudge } from "../../jobs/expect/judge.ts";
import { startProblem } from "../../jobs/programs/command-advice.ts";
import { hiddenOf, MOVE_OUT } from "../../jobs/programs/hidden.ts";
import { calendarAddress } from "../../jobs/sources/calendar/settings.ts";
import { isRemote } from "../../jobs/sources/feed/settings.ts";
import { inspectFolder } from "../../jobs/sources/folder/folder.ts";
import { kindOf, sourcesOf } from "../../jobs/sources/registry.ts";
import { AfkError, messageOf } from "../../lib/errors.ts";
import { createRedactor } from "../../lib/redact.ts";
import {
  bad,
  type Examination,
  type Finding,
  type Found,
  ok,
  type WithConfig,
  warn,
} from "../../ops/doctor/check.ts";
import { asidesOf } from "./asides.ts";
import { viewOf } from "./view.ts";

const FOLDER_MS_MAX = 30_000;
const FEEDS_MAX = 20;
const FEED_MS_MAX = 5_000;
const SOURCES_MAX = 20;
const SOURCE_MS_MAX = 20_000;

const readersOf = (jobs: readonly JobConfig[]) =>
  jobs.map((job) => ({ name: job.name, sources: sourcesOf(job) }));

/** What `afk doctor` checks of the jobs: that what they read and start is there, and over the network that feeds answer. */
export function jobChecks(config: WithConfig["config"]): Examination<WithConfig>[] {
  const checks: Examination<WithConfig>[] = [
    ["jobs", "sources", sourceFiles],
    ["jobs", "folders", folderContents],
    ["jobs", "commands", commands],
    ["jobs", "expectations", expectations],
    ...feedChecks(config),
    ...sourceChecks(config),
  ];
  const redact = createRedactor(config.secrets);
  return checks.map(([group, name, check, network]) => [
    group,
    name,
    // An address or an argument can hold what is a secret by itself.
    async (subject) =>
      [await check(subject)].flat().map((finding) => ({
        ...finding,
        found: redact(finding.found),
        mend: finding.mend === null ? null : redact(finding.mend),
      })),
    network,
  ]);
}

/** The folders and files that jobs read, and the folders that commands start in. */
function sourceFiles({ config: { jobs, paths } }: WithConfig): Found {
  const wanted = [
    ...readersOf(jobs).flatMap(({ name, sources }) =>
      sources.flatMap((source) => (kindOf(source).paths?.(source) ?? []).map((each) => ({ name, ...each }))),
    ),
    ...execsOf(jobs).map(({ name, settings }) => ({ name, path: settings.cwd, isFolder: true })),
    ...agentsOf(jobs).flatMap(({ name, settings: { repo, promptFile } }) => [
      { name, path: repo, isFolder: true },
      ...(promptFile === null ? [] : [{ name, path: promptFile, isFolder: false }]),
    ]),
  ];
  const findings = wanted.flatMap(({ name, path, isFolder }): Finding[] => {
    const whole = resolve(paths.base, path);
    const found = statSync(whole, { throwIfNoEntry: false });
    if (found === undefined)
      return [
        bad(
          `job ${name}: ${whole} is not there`,
          isFolder
            ? `mkdir -p ${whole}, or mend its path in afk.yaml`
            : "make it, or mend its path in afk.yaml",
        ),
      ];
    if (isFolder === found.isDirectory()) return [];
    return [
      bad(`job ${name}: ${whole} is ${isFolder ? "no folder" : "a folder"}`, "mend its path in afk.yaml"),
    ];
  });
  if (findings.length > 0) return findings;
  return wanted.length === 0 ? [] : ok("every folder and file that jobs name is there");
}

/** What of the folders that jobs read is passed over. One that cannot be read at all is named among the sources. */
async function folderContents({ config: { jobs, paths } }: WithConfig): Promise<Found> {
  const findings: Finding[] = [];
  for (const { name, sources } of readersOf(jobs))
    for (const source of sources) {
      if (!("folder" in source)) continue;
      const folder = resolve(paths.base, source.folder);
      if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
      const notes = await inspectFolder(folder, AbortSignal.timeout(FOLDER_MS_MAX));
      const mend = "move it where it is read, or leave it: the job goes on without it";
      findings.push(...notes.map((note) => warn(`job ${name}: ${folder}: ${note}`, mend)));
    }
  return findings;
}

const execsOf = (jobs: readonly JobConfig[]) =>
  jobs.flatMap(({ name, kind, settings }) =>
    kind === "exec" ? [{ name, settings: settings as ExecSettings }] : [],
  );

const agentsOf = (jobs: readonly JobConfig[]) =>
  jobs.flatMap(({ name, kind, settings }) =>
    kind === "agent" ? [{ name, settings: settings as AgentSettings }] : [],
  );

/** The programs that jobs start: that they are there and may be executed. */
function commands({ config, host }: WithConfig): Found {
  const { jobs, paths } = config;
  const agents = agentsOf(jobs).flatMap(({ name, settings: { command, env } }) => {
    const own = command.map((word) => word.replaceAll("{base}", paths.base));
    // A program of the repository is where the agent works, and not here.
    const programs = /^[^/]+\//.test(own[0] ?? "") ? [["git"]] : [["git"], own];
    return programs.map((each) => ({ name, settings: { command: each, cwd: ".", env } }));
  });
  const programs = [...execsOf(jobs), ...agents, ...jobs.flatMap(asidesOf)];
  const findings = programs.flatMap(({ name, settings }): Finding[] => {
    const cwd = resolve(paths.base, settings.cwd);
    const problem = startProblem(settings.command, cwd, settings.env.PATH ?? host.environment.PATH);
    return problem === null ? [] : [bad(`job ${name}: ${problem.found}`, problem.mend)];
  });
  const view = viewOf(config);
  for (const { name, settings } of execsOf(jobs)) {
    const cwd = resolve(paths.base, settings.cwd);
    const hidden = settings.isStateVisible ? null : hiddenOf({ command: settings.command, cwd, view });
    if (hidden !== null)
      findings.push(warn(`job ${name}: ${hidden} is in the state, which programs do not see`, MOVE_OUT));
  }
  if (findings.length > 0) return findings;
  return programs.length === 0 ? [] : ok("every command that jobs start is there");
}

/** The schemas that results are to fit: that each is there and can be used. */
async function expectations({ config: { jobs, paths } }: WithConfig): Promise<Found> {
  const expecting = jobs.filter(({ expect }) => expect !== undefined && expect.schemaPath !== null);
  const findings: Finding[] = [];
  for (const { name, expect } of expecting)
    if (expect !== undefined)
      await openJudge(expect, paths.base).catch((error: unknown) =>
        findings.push(bad(`job ${name}: ${messageOf(error)}`, "until then every run of it fails at once")),
      );
  if (findings.length > 0) return findings;
  return expecting.length === 0 ? [] : ok("every schema that results have to fit can be used");
}

/** One check of all feeds, where there are any: that their hosts may be asked, and that they answer. */
function feedChecks({ jobs }: Pick<WithConfig["config"], "jobs">): Examination<WithConfig>[] {
  const addresses = readersOf(jobs).flatMap(({ sources }) =>
    sources.flatMap((source) => {
      if ("calendar" in source) return calendarAddress(source) ?? [];
      return "feed" in source && isRemote(source.feed) ? [source.feed] : [];
    }),
  );
  const asked = [...new Set(addresses)].slice(0, FEEDS_MAX);
  if (asked.length === 0) return [];
  const check = async ({ config }: WithConfig): Promise<Found> => {
    const problems = await Promise.all(asked.map((address) => feedProblem(address, config.egress)));
    const findings = problems.flatMap((problem): Finding[] =>
      problem === null
        ? []
        : [warn(problem, "mend afk.yaml where it is to be mended, or wait where a server is down")],
    );
    if (findings.length > 0) return findings;
    return ok(asked.length === 1 ? "the feed answers" : `${asked.length} feeds answer`);
  };
  return [["jobs", "feeds", check, "network"]];
}

/** One check of all sources that can be asked whether they may be read, such as mailboxes: by logging in. */
function sourceChecks({ jobs }: Pick<WithConfig["config"], "jobs">): Examination<WithConfig>[] {
  const asked = readersOf(jobs).flatMap(({ name, sources }) =>
    sources.flatMap((source) => {
      const { examine } = kindOf(source);
      return examine === undefined ? [] : [{ name, source, examine }];
    }),
  );
  if (asked.length === 0) return [];
  const check = async ({ config }: WithConfig): Promise<Found> => {
    const connect = createConnect(config.egress);
    const open = async (access: MailAccess) => {
      // Loaded where there is a mailbox: it takes as long as all else that doctor loads.
      const { readMailbox } = await import("../../egress/imap/read-mailbox.ts");
      return await readMailbox(access, {
        connect,
        signal: new AbortController().signal,
        timeoutMs: SOURCE_MS_MAX,
      });
    };
    const examined = asked.slice(0, SOURCES_MAX).map(async ({ name, source, examine }): Promise<Finding> => {
      try {
        return ok(`job ${name}: ${await examine(source, open)}`);
      } catch (error) {
        const mend = "mend afk.yaml where it is to be mended, or wait where a server is down";
        return bad(`job ${name}: ${messageOf(error)}`, mend);
      }
    });
    return await Promise.all(examined);
  };
  return [["jobs", "access", check, "network"]];
}

async function feedProblem(address: string, egress: WithConfig["config"]["egress"]): Promise<string | null> {
  try {
    const url = checkUrl(address, egress);
    await refusePrivate(url.hostname, (host) => mayBePrivate(host, egress));
    const { reply, headers } = await exchange(
      { url: url.href, method: "GET", headers: {} },
      AbortSignal.timeout(FEED_MS_MAX),
      1,
    );
    const shown = describeUrl(url);
    if (reply.status >= 400) return `${shown} answered ${reply.status}`;
    const target = reply.status >= 300 ? URL.parse(headers.get("location") ?? "", url.href) : null;
    if (target !== null) checkUrl(target.href, egress);
    return null;
  } catch (error) {
    if (error instanceof AfkError) return error.message;
    const shown = URL.parse(address)?.host ?? "a feed";
    return `${shown} does not answer: ${messageOf(error)}`;
  }
}

/** @throws EgressRefused, or what the resolver says. */
function refusePrivate(hostname: string, isPrivateAllowed: (host: string) => boolean): Promise<void> {
  return new Promise((done, refuse) => {
    checkedLookup(systemResolve, isPrivateAllowed)(
      hostname.replace(/^\[|\]$/g, ""),
      { all: true },
      (error) => (error === null ? done() : refuse(error)),
    );
  });
}
