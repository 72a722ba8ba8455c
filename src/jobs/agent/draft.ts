import * as v from "valibot";
import { plainLine } from "../../lib/text.ts";
import { PermanentFailure } from "../../queue/job.ts";
import { OWN_BRANCH, type PullRequest, targetSchema } from "../actions/pull-request.ts";
import { openTokenIssues } from "../sources/forge/settings.ts";
import { type GitOptions, git, gitLine } from "./git.ts";
import type { Patch, Scratch } from "./patch.ts";
import { type AgentRun, changeWords } from "./report.ts";
import { type Base, branchOf, keptRef, type Mirror } from "./repository.ts";
import type { AgentSettings } from "./settings.ts";

/** Where a pull request would go. */
export type Target = Pick<PullRequest, "remote" | "base" | "github">;

const GITHUB = "github.com";
const GITHUB_API = "https://api.github.com";
const TITLE_MAX = 72;
const BODY_MAX = 10_000;

/**
 * Where the pull request of a job goes, found before anything is spent; null where none is drafted.
 * @throws PermanentFailure where afk.yaml and the repository do not say it.
 */
export function targetOf(settings: AgentSettings, base: Base, job: string): Target | null {
  const { pullRequest } = settings;
  if (pullRequest === null) return null;
  const refuse = (what: string) => new PermanentFailure("no_target", `job ${job}: ${what}`);
  const remote = pullRequest.remote ?? base.origin;
  if (remote === null)
    throw refuse(
      "its repository has no origin on the web; write pull_request: { remote: https://… } in afk.yaml",
    );
  if (openTokenIssues("", remote, pullRequest.token).length > 0)
    throw refuse(
      `${remote} is not encrypted, and the token would go over the network as it is; write pull_request: { remote: https://… } in afk.yaml`,
    );
  const branch = pullRequest.base ?? base.branch;
  if (branch === null) throw refuse("it begins at no branch; write pull_request: { base: main } in afk.yaml");
  const { host, pathname } = new URL(remote);
  const api = pullRequest.api ?? (host === GITHUB ? GITHUB_API : null);
  const repository = pathname.replace(/^\//, "").replace(/\.git$/, "");
  const target = { remote, base: branch, github: api === null ? null : { api, repository } };
  const parsed = v.safeParse(targetSchema, target);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw refuse(
    `a pull request cannot go to ${remote}, ${branch}: ${issue.message}; mend pull_request in afk.yaml`,
  );
}

/** Makes a commit of a patch and keeps it in the mirror, out of the program's reach; gives its name. The same patch gives the same. */
export async function keepCommit(
  { mirror, scratch, patch }: { mirror: Mirror; scratch: Scratch; patch: Patch },
  { commit, job, atMs, message }: { commit: string; job: string; atMs: number; message: string },
  signal: AbortSignal,
): Promise<string> {
  const who = (role: string) => ({
    [`GIT_${role}_NAME`]: `${job} (afk)`,
    [`GIT_${role}_EMAIL`]: `${job}@afk.invalid`,
    [`GIT_${role}_DATE`]: `${Math.floor(atMs / 1_000)} +0000`,
  });
  const options: GitOptions = {
    cwd: scratch.path,
    signal,
    env: { GIT_DIR: scratch.path, ...who("AUTHOR"), ...who("COMMITTER") },
    input: Buffer.from(message),
  };
  const made = await gitLine(["commit-tree", patch.tree, "-p", commit], options);
  const from = { cwd: scratch.path, signal, env: { GIT_DIR: scratch.path } };
  await git(["update-ref", "refs/heads/made", made], from);
  const fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
  await git([...fetch, "--", scratch.path, `+refs/heads/made:${keptRef(made)}`], {
    cwd: mirror.path,
    signal,
  });
  return made;
}

/** The title of what an agent did: its own, or the first line of its last message. */
export function titleOf(run: Pick<AgentRun, "patch" | "message" | "handed">, job: string): string {
  const said = run.handed?.title ?? run.message.split("\n", 1)[0] ?? "";
  const first = plainLine(said, TITLE_MAX).replace(/^#+ /, "");
  return first === "" ? `${job}: ${changeWords(run.patch)}` : first;
}

/** What a person is asked to approve. */
export function draftOf(
  run: AgentRun,
  target: Target,
  of: { job: string; period: string; commit: string },
): PullRequest {
  const { job, period, commit } = of;
  const branch = `${branchOf(job, period)}-${commit.slice(0, 10)}`;
  if (!OWN_BRANCH.test(branch))
    throw new PermanentFailure("no_target", `job ${job}: ${branch} is no name for a branch`);
  const said = (run.handed?.text ?? run.message).slice(0, BODY_MAX).toWellFormed();
  return {
    job,
    ...target,
    branch,
    commit,
    changes: [changeWords(run.patch), ...run.patch.names].join("\n").slice(0, 20_000),
    title: titleOf(run, job),
    body: `${said}\n\nMade by the job ${job} of afk (${period}): ${changeWords(run.patch)}.`,
  };
}
