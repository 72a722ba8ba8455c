import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import { makePrivateFolder } from "../../lib/private-files.ts";
import { PermanentFailure } from "../../queue/job.ts";
import { GitFailed, type GitOptions, git, gitLine } from "./git.ts";

/** Where a run begins. */
export interface Base {
  commit: string;
  /** The branch that it is the tip of; null for a tag or a commit. */
  branch: string | null;
  /** Where the repository's `origin` is on the web, without credentials; null where it has none there. */
  origin: string | null;
}

/** A copy of the owner's repository in the state, which afk alone writes. */
export interface Mirror {
  /** A bare repository. */
  path: string;
  /** The folder of all mirrors. */
  folder: string;
}

/** The mirror of a job's repository. */
export function mirrorOf(repos: string, job: string): Mirror {
  return { folder: repos, path: join(repos, `${job}.git`) };
}

/** Where the tip of what is checked out is kept in a mirror. */
const HEAD_REF = "refs/afk-head";
const HEADS = "refs/heads/";

/**
 * Brings the mirror up to date with the owner's repository, which is only read, and finds where to begin: `ref`, a branch, a
 * tag or a commit, or else what is checked out there.
 * @throws PermanentFailure where the repository or the ref is not there.
 */
export async function updateMirror(
  mirror: Mirror,
  { repo, ref, job }: { repo: string; ref: string | null; job: string },
  signal: AbortSignal,
): Promise<Base> {
  makePrivateFolder(mirror.folder);
  const options = { cwd: mirror.folder, signal, env: reader(mirror) };
  const refuse = (problem: string) => new PermanentFailure("bad_repo", `job ${job}: repo ${repo} ${problem}`);
  if (!existsSync(join(mirror.path, "HEAD")))
    await git(["init", "--quiet", "--bare", "--template=", mirror.path], options);
  const inMirror = { ...options, cwd: mirror.path };
  let head: string;
  try {
    head = (await git(["ls-remote", "--symref", "--", repo, "HEAD"], inMirror)).toString("utf8");
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    throw refuse(`cannot be read as a git repository (${messageOf(error)}); mend repo in afk.yaml`);
  }
  if (head === "") throw refuse("has no commit; make one, or mend repo in afk.yaml");
  const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", `+HEAD:${HEAD_REF}`];
  await git(
    [
      "fetch",
      "--quiet",
      "--prune",
      "--no-tags",
      "--no-recurse-submodules",
      "--no-write-fetch-head",
      // Of a clone without all of its history git would else take nothing, and say that all is well.
      "--update-shallow",
      "--",
      repo,
      ...refs,
    ],
    inMirror,
  );
  await dropKept(inMirror);
  const origin = await originOf(repo, inMirror);
  const checkedOut = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(head)?.[1] ?? null;
  if (ref === null) return { commit: await commitOf(HEAD_REF, inMirror), branch: checkedOut, origin };
  for (const [full, branch] of [
    [`${HEADS}${ref}`, ref],
    [`refs/tags/${ref}`, null],
    [ref, null],
  ] as const) {
    if (full === ref && !/^[0-9a-f]{7,64}$/.test(ref)) continue;
    try {
      return { commit: await commitOf(full, inMirror), branch, origin };
    } catch (error) {
      if (!(error instanceof GitFailed)) throw error;
    }
  }
  throw refuse(`has no branch, tag or commit ${JSON.stringify(ref)}; mend ref in afk.yaml`);
}

/** Nobody has approved these for so long that nobody will. */
const KEPT_DAYS = 90;

async function dropKept(options: GitOptions): Promise<void> {
  const format = "--format=%(committerdate:unix) %(refname)";
  const kept = await gitLine(["for-each-ref", format, keptRef("")], options);
  const before = systemClock.nowMs() - KEPT_DAYS * DAY_MS;
  const old = kept
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([seconds = "", ref]) => ref !== undefined && Number(seconds) * 1_000 < before);
  const input = Buffer.from(old.map(([, ref]) => `delete ${ref}\n`).join(""));
  if (old.length > 0) await git(["update-ref", "--stdin"], { ...options, input });
}

/** The owner's repository may belong to another user; it is only ever read. */
function reader({ folder }: Mirror): Record<string, string> {
  const config = join(folder, "gitconfig");
  writeFileSync(config, "[safe]\n\tdirectory = *\n", { mode: 0o600 });
  return { GIT_CONFIG_GLOBAL: config };
}

async function commitOf(ref: string, options: GitOptions): Promise<string> {
  return await gitLine(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`], options);
}

async function originOf(repo: string, options: GitOptions): Promise<string | null> {
  try {
    const url = await gitLine(["config", "--get", "remote.origin.url"], { ...options, cwd: repo });
    return webAddress(url);
  } catch (error) {
    if (error instanceof GitFailed) return null;
    throw error;
  }
}

/** The https address of a remote, whichever way git is told to reach it; null for one on this machine. */
function webAddress(origin: string): string | null {
  const scp = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)([^\s]+)$/.exec(origin);
  if (scp !== null) return `https://${scp[1]}/${scp[2]?.replace(/^\//, "")}`;
  const url = URL.parse(origin);
  if (url === null || !/^(?:https?|ssh|git):$/.test(url.protocol)) return null;
  return `${url.protocol === "http:" ? "http" : "https"}://${url.protocol === "ssh:" ? url.hostname : url.host}${url.pathname}`;
}

/**
 * Makes a worktree of a commit with a repository of its own, which the program may use as it likes: nothing that it writes there
 * is read by afk but files.
 */
export async function checkOut(
  mirror: Mirror,
  { commit, to, job, period }: { commit: string; to: string; job: string; period: string },
  signal: AbortSignal,
): Promise<void> {
  const options = { cwd: mirror.folder, signal };
  const identity = [`user.name=${job} (afk)`, `user.email=${job}@afk.invalid`];
  const settings = identity.flatMap((setting) => ["--config", setting]);
  // Copied, not linked: the program can write to its own objects.
  const clone = ["clone", "--quiet", "--no-hardlinks", "--no-checkout", "--template=", ...settings];
  await git([...clone, "--", mirror.path, to], options);
  const inside = { ...options, cwd: to };
  await git(["checkout", "--quiet", "-B", branchOf(job, period), commit, "--"], inside);
  await git(["remote", "remove", "origin"], inside);
}

/** Where a mirror keeps a commit that a person is asked to approve. */
export function keptRef(commit: string): string {
  return `refs/afk/${commit}`;
}

/** The branch that a run works on. */
export function branchOf(job: string, period: string): string {
  return `afk/${job}-${period.replaceAll(/[^A-Za-z0-9.-]/g, "-")}`;
}
