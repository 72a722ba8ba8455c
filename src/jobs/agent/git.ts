import { execFile } from "node:child_process";
import { processEnvironment } from "../../config/environment.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { AfkError } from "../../lib/errors.ts";
import { oneLine } from "../../lib/text.ts";
import { PermanentFailure } from "../../queue/job.ts";

const TIME_MS_MAX = 10 * MINUTE_MS;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const ERROR_CHARS_MAX = 400;

/**
 * What a repository, or whoever wrote into a worktree, could have git start or reach: hooks, watchers, filters, helpers,
 * other protocols, submodules. What stands here wins over the configuration of any repository.
 */
const CLOSED = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.untrackedCache=false",
  "core.attributesFile=/dev/null",
  "core.excludesFile=/dev/null",
  "core.sshCommand=false",
  "core.askPass=",
  "credential.helper=",
  "commit.gpgSign=false",
  "diff.ignoreSubmodules=all",
  "submodule.recurse=false",
  "protocol.allow=never",
  "protocol.file.allow=always",
  "gc.autoDetach=false",
  "advice.detachedHead=false",
  "init.defaultBranch=main",
].flatMap((setting) => ["-c", setting]);

/** How git is asked. */
export interface GitOptions {
  cwd: string;
  signal: AbortSignal;
  /** Set for git besides what always is. */
  env?: Record<string, string>;
  input?: Buffer;
  /** Settings of git that win over those that always are, `name=value`. */
  settings?: readonly string[];
}

/** git ended with an error. */
export class GitFailed extends AfkError {}

/**
 * Runs git without anybody's configuration, hooks, helpers or network, and gives what it printed.
 * @throws GitFailed with the end of its words; PermanentFailure where there is no git; the signal's reason.
 */
export async function git(args: readonly string[], options: GitOptions): Promise<Buffer> {
  const { cwd, signal, env = {}, input, settings = [] } = options;
  signal.throwIfAborted();
  const own = settings.flatMap((setting) => ["-c", setting]);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const child = execFile(
    "git",
    [...CLOSED, ...own, ...args],
    {
      cwd,
      env: { ...environment(), ...env },
      encoding: "buffer",
      maxBuffer: OUTPUT_BYTES_MAX,
      timeout: TIME_MS_MAX,
      killSignal: "SIGKILL",
      signal,
    },
    (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(signal.aborted ? signal.reason : failure(args[0] ?? "", error, stderr));
    },
  );
  // git need not read its input, and may have ended before it was written.
  child.stdin?.on("error", () => child.stdin?.destroy()).end(input);
  return await promise;
}

function environment(): Record<string, string> {
  const { PATH = "" } = processEnvironment();
  return {
    PATH,
    LC_ALL: "C",
    HOME: "/nonexistent",
    XDG_CONFIG_HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
  };
}

function failure(command: string, error: Error & { code?: unknown; killed?: boolean }, stderr: Buffer) {
  if (error.code === "ENOENT")
    return new PermanentFailure("no_git", "git is in no folder of PATH, or the folder is gone; install git");
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER")
    return new GitFailed("git_failed", `git ${command} printed more than 64 MiB`);
  if (error.killed)
    return new GitFailed("git_failed", `git ${command} took longer than ${TIME_MS_MAX / MINUTE_MS} minutes`);
  const words = oneLine(stderr.toString("utf8").slice(-4 * ERROR_CHARS_MAX), 4 * ERROR_CHARS_MAX);
  const end = words.slice(-ERROR_CHARS_MAX).toWellFormed();
  return new GitFailed("git_failed", `git ${command} failed${end === "" ? "" : `: ${end}`}`);
}

/** What git printed, as text without its last line end. */
export async function gitLine(args: readonly string[], options: GitOptions): Promise<string> {
  return (await git(args, options)).toString("utf8").trimEnd();
}
