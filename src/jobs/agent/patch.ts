import { isUtf8 } from "node:buffer";
import { lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../../lib/errors.ts";
import { plural } from "../../lib/text.ts";
import { PermanentFailure } from "../../queue/job.ts";
import { type GitOptions, git, gitLine } from "./git.ts";
import type { Mirror } from "./repository.ts";

/** What a program changed in its worktree. */
export interface Patch {
  /** As `git apply` takes it; empty where nothing was changed. */
  text: string;
  files: number;
  /** Lines; those of binary files are none. */
  added: number;
  removed: number;
  /** A line for each of the first files: `M src/a.ts`. */
  names: string[];
  /** Repositories within the worktree, which are in no patch. */
  leftOut: string[];
  /** The tree that it comes to. */
  tree: string;
}

const FILES_MAX = 1_000;
const FILE_BYTES_MAX = 8 * 1024 * 1024;
const ALL_BYTES_MAX = 32 * 1024 * 1024;
/** A step keeps 4 MiB of JSON. */
const PATCH_BYTES_MAX = 2 * 1024 * 1024;
const LEFT_OUT_MAX = 20;
/** A person is shown so many, and so much of each. */
const NAMES_MAX = 200;
const NAME_CHARS_MAX = 200;

const GITLINK = "160000";

/** A repository of afk's own over the files of a worktree: its index, objects and attributes are out of the program's reach. */
export interface Scratch extends Disposable {
  path: string;
}

/** Makes one beside the run's folder. */
export async function makeScratch(mirror: Mirror, path: string, signal: AbortSignal): Promise<Scratch> {
  rmSync(path, { recursive: true, force: true });
  await git(["init", "--quiet", "--bare", "--template=", path], { cwd: mirror.folder, signal });
  mkdirSync(join(path, "info"));
  mkdirSync(join(path, "objects", "info"), { recursive: true });
  writeFileSync(join(path, "objects", "info", "alternates"), `${join(mirror.path, "objects")}\n`);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Makes a patch of what stands in a worktree, committed there or not, against the commit that it began with. Files that
 * `.gitignore` names are left out, and nothing that stands there is run or followed.
 * @throws PermanentFailure (`patch_too_large`) for more than a person would read.
 */
export async function makePatch(
  { path }: Scratch,
  { worktree, commit, job }: { worktree: string; commit: string; job: string },
  signal: AbortSignal,
): Promise<Patch> {
  const inside = { cwd: worktree, signal, env: { GIT_DIR: path, GIT_WORK_TREE: worktree } };
  const bare = { cwd: path, signal, env: { GIT_DIR: path } };
  const leftOut = await addChanges(inside, { worktree, commit, job });
  const tree = await gitLine(["write-tree"], bare);
  const lines = await numstat(bare, commit, tree);
  const text = lines.length === 0 ? "" : await patchText(bare, path, { commit, tree });
  if (Buffer.byteLength(JSON.stringify(text)) > PATCH_BYTES_MAX)
    throw tooLarge(job, `makes a patch of ${Math.ceil(text.length / 1024)} KiB, and 2 MiB is the most`);
  const names = await nameStatus(bare, commit, tree);
  const sum = (key: "added" | "removed") => lines.reduce((total, each) => total + each[key], 0);
  return { text, files: lines.length, added: sum("added"), removed: sum("removed"), names, leftOut, tree };
}

/** Brings what differs in the worktree into the index, and gives what had to be left out. */
async function addChanges(
  inside: GitOptions,
  { worktree, commit, job }: { worktree: string; commit: string; job: string },
): Promise<string[]> {
  await git(["read-tree", commit], inside);
  // A submodule is not checked out. git would look into what stands in its place, with the configuration that it finds there.
  const staged = entriesOf(await git(["ls-files", "--stage", "-z"], inside));
  const links = staged
    .filter((entry) => entry.startsWith(GITLINK))
    .map((entry) => entry.slice(entry.indexOf("\t") + 1));
  if (links.length > 0)
    await git(["update-index", "--skip-worktree", "-z", "--stdin"], { ...inside, input: listOf(links) });
  await git(["update-index", "-q", "--refresh"], inside);
  const differing = entriesOf(await git(["diff-files", "--name-status", "-z", "--no-renames"], inside));
  const changed = differing.flatMap((status, index) =>
    index % 2 === 0 ? [{ status, name: differing[index + 1] ?? "" }] : [],
  );
  const others = entriesOf(await git(["ls-files", "--others", "--exclude-standard", "-z"], inside));
  const count = changed.length + others.length;
  if (count > FILES_MAX)
    throw tooLarge(job, `left ${plural(count, "changed file")}, and ${FILES_MAX} are the most`);
  const { kept, gone, nested } = sort(worktree, changed, others, job);
  if (gone.length > 0)
    await git(["update-index", "--force-remove", "-z", "--stdin"], { ...inside, input: listOf(gone) });
  if (kept.length > 0)
    await git(["update-index", "--add", "--replace", "-z", "--stdin"], { ...inside, input: listOf(kept) });
  return nested.slice(0, LEFT_OUT_MAX).map((name) => Buffer.from(name, "latin1").toString("utf8"));
}

/** Names are bytes to git, and kept as latin1 here. */
function entriesOf(output: Buffer): string[] {
  return output.toString("latin1").split("\0").slice(0, -1);
}

function listOf(names: readonly string[]): Buffer {
  return Buffer.from(names.map((name) => `${name}\0`).join(""), "latin1");
}

/** What is to be read, what is not there any more, and what is a repository of its own; pipes and the like are no files. */
function sort(
  worktree: string,
  changed: readonly { status: string; name: string }[],
  others: readonly string[],
  job: string,
): { kept: string[]; gone: string[]; nested: string[] } {
  const kept: string[] = [];
  const gone = changed.filter(({ status }) => status === "D").map(({ name }) => name);
  let bytes = 0;
  const tracked = changed.filter(({ status }) => status !== "D").map(({ name }) => name);
  for (const name of [...tracked, ...others.filter((other) => !other.endsWith("/"))]) {
    const found = lookAt(Buffer.concat([Buffer.from(`${worktree}/`), Buffer.from(name, "latin1")]));
    if (found === null) {
      if (tracked.includes(name)) gone.push(name);
      continue;
    }
    bytes += found.size;
    if (found.size > FILE_BYTES_MAX || bytes > ALL_BYTES_MAX)
      throw tooLarge(
        job,
        `left more than ${found.size > FILE_BYTES_MAX ? "8 MiB in one file" : "32 MiB in all files"}`,
      );
    kept.push(name);
  }
  return { kept, gone, nested: others.filter((other) => other.endsWith("/")) };
}

function lookAt(path: Buffer): { size: number } | null {
  try {
    const found = lstatSync(path);
    return found.isFile() || found.isSymbolicLink() ? found : null;
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw error;
  }
}

async function numstat(
  bare: GitOptions,
  commit: string,
  tree: string,
): Promise<{ added: number; removed: number }[]> {
  const lines = entriesOf(
    await git(["diff-tree", "-r", "--numstat", "-z", "--no-renames", commit, tree], bare),
  );
  return lines.map((line) => {
    const [added, removed] = line.split("\t");
    return { added: Number(added) || 0, removed: Number(removed) || 0 };
  });
}

/** As a person reads them: bytes that are no UTF-8 are shown as such. */
async function nameStatus(bare: GitOptions, commit: string, tree: string): Promise<string[]> {
  const args = ["diff-tree", "-r", "--name-status", "--no-renames", commit, tree];
  const listed = (await git(args, bare)).toString("utf8");
  return listed
    .split("\n")
    .slice(0, -1)
    .slice(0, NAMES_MAX)
    .map((line) => line.replace("\t", " ").slice(0, NAME_CHARS_MAX));
}

const AS_PATCH = [
  "diff-tree",
  "-r",
  "-p",
  "--binary",
  "--full-index",
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
];

/** What is text is shown as text, whatever the attributes in the worktree say; and what is no UTF-8 as binary, since outputs are text. */
async function patchText(
  bare: GitOptions,
  scratch: string,
  { commit, tree }: { commit: string; tree: string },
): Promise<string> {
  const print = async (attribute: string, renames: string) => {
    writeFileSync(join(scratch, "info", "attributes"), `* ${attribute}\n`);
    return await git([...AS_PATCH, renames, commit, tree], bare);
  };
  const whole = await print("!diff", "--find-renames");
  if (isUtf8(whole)) return whole.toString("utf8");
  const asText = filesOf(await print("!diff", "--no-renames"));
  const asBinary = filesOf(await print("-diff", "--no-renames"));
  return asBinary
    .map((binary, index) => {
      const part = asText[index];
      return part !== undefined && isUtf8(part) ? part.toString("utf8") : binary.toString("latin1");
    })
    .join("");
}

/** The parts of a patch; no line within one begins as a part does. */
function filesOf(patch: Buffer): Buffer[] {
  return patch
    .toString("latin1")
    .split(/^(?=diff --git )/m)
    .map((part) => Buffer.from(part, "latin1"));
}

function tooLarge(job: string, what: string): PermanentFailure {
  return new PermanentFailure(
    "patch_too_large",
    `job ${job}: its program ${what}; name what it need not keep in .gitignore, or ask it for less`,
  );
}
