import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { JobConfig } from "../../config/config.ts";
import type { AgentSettings } from "../../jobs/agent/settings.ts";
import type { ExecSettings } from "../../jobs/exec/settings.ts";
import { openJudge } from "../../jobs/expect/judge.ts";
import { startProblem } from "../../jobs/programs/command-advice.ts";
import { hiddenOf, MOVE_OUT } from "../../jobs/programs/hidden.ts";
import { inspectFolder } from "../../jobs/sources/folder/folder.ts";
import { kindOf } from "../../jobs/sources/registry.ts";
import { messageOf } from "../../lib/errors.ts";
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
import { networkChecks, readersOf } from "./network-checks.ts";
import { viewOf } from "./view.ts";

const FOLDER_MS_MAX = 30_000;
const REPOSITORY_MS_MAX = 10_000;

/** What `afk doctor` checks of the jobs: that what they read and start is there, and over the network that feeds answer. */
export function jobChecks(config: WithConfig["config"]): Examination<WithConfig>[] {
  const checks: Examination<WithConfig>[] = [
    ["jobs", "sources", sourceFiles],
    ["jobs", "folders", folderContents],
    ["jobs", "commands", commands],
    ["jobs", "selectors", selectors],
    ["jobs", "repositories", repositories],
    ["jobs", "expectations", expectations],
    ...networkChecks(config),
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
      sources.flatMap((source) =>
        (kindOf(source).paths?.(source) ?? []).map((each) => ({
          name,
          kind: each.isFolder ? ("folder" as const) : ("file" as const),
          path: each.path,
        })),
      ),
    ),
    ...jobs.flatMap(({ name, envFile: path }) =>
      path === undefined ? [] : [{ name, path, kind: "file" as const }],
    ),
    ...execsOf(jobs).map(({ name, settings }) => ({ name, path: settings.cwd, kind: "folder" as const })),
    ...agentsOf(jobs).flatMap(({ name, settings: { repo, promptFile } }) => [
      { name, path: repo, kind: "repository" as const },
      ...(promptFile === null ? [] : [{ name, path: promptFile, kind: "file" as const }]),
    ]),
  ];
  const findings = wanted.flatMap(({ name, path, kind }): Finding[] => {
    const isFolder = kind !== "file";
    const whole = resolve(paths.base, path);
    const found = statSync(whole, { throwIfNoEntry: false });
    if (found === undefined) return [bad(`job ${name}: ${whole} is not there`, MEND_OF[kind](whole))];
    if (isFolder === found.isDirectory()) return [];
    return [
      bad(`job ${name}: ${whole} is ${isFolder ? "no folder" : "a folder"}`, "mend its path in afk.yaml"),
    ];
  });
  if (findings.length > 0) return findings;
  return wanted.length === 0 ? [] : ok("every folder and file that jobs name is there");
}

/** What is to be done where something is not there. */
const MEND_OF = {
  folder: (path: string) => `mkdir -p ${path}, or mend its path in afk.yaml`,
  file: () => "make it, or mend its path in afk.yaml",
  repository: (path: string) => `git clone ADDRESS ${path}, or mend repo in afk.yaml`,
};

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

/** The selectors of pages: that each is one. What it finds is known when the page is read. */
async function selectors({ config: { jobs } }: WithConfig): Promise<Found> {
  const asked = readersOf(jobs).flatMap(({ name, sources }) =>
    sources.flatMap((source) =>
      "page" in source && source.select !== undefined ? [{ name, select: source.select }] : [],
    ),
  );
  if (asked.length === 0) return [];
  const { isSelector } = await import("../../jobs/sources/page/part.ts");
  const findings = asked
    .filter(({ select }) => !isSelector(select))
    .map(({ name, select }) =>
      bad(`job ${name}: select is no CSS selector: ${select}`, 'write one such as ".price" or "table#news"'),
    );
  return findings.length > 0 ? findings : ok("every selector of a page can be used");
}

/** The repositories that agents work on copies of: that git reads them, and that there is a commit to begin at. */
async function repositories({ config: { jobs, paths } }: WithConfig): Promise<Found> {
  const wanted = agentsOf(jobs).map(({ name, settings }) => ({
    name,
    repo: resolve(paths.base, settings.repo),
  }));
  const there = wanted.filter(
    ({ repo }) => statSync(repo, { throwIfNoEntry: false })?.isDirectory() === true,
  );
  if (there.length === 0) return [];
  const { gitLine } = await import("../../jobs/agent/git.ts");
  const findings: Finding[] = [];
  for (const { name, repo } of there) {
    const options = {
      cwd: repo,
      signal: AbortSignal.timeout(REPOSITORY_MS_MAX),
      // One around it is not meant; one of another user is only read.
      env: { GIT_CEILING_DIRECTORIES: dirname(repo) },
      settings: ["safe.directory=*"],
    };
    await gitLine(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], options).catch((error: unknown) =>
      findings.push(
        bad(
          `job ${name}: git finds no commit in ${repo} (${messageOf(error)})`,
          "clone a repository there, make its first commit, or mend repo in afk.yaml",
        ),
      ),
    );
  }
  return findings.length > 0 ? findings : ok("git reads every repository that agents work on");
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
