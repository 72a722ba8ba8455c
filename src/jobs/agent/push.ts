import { AfkError, messageOf } from "../../lib/errors.ts";
import type { PushRequest } from "../actions/action.ts";
import { GitFailed, type GitOptions, git, gitLine } from "./git.ts";
import { keptRef, type Mirror } from "./repository.ts";

/** The code of an error after which the branch may be there. */
export const PUSH_UNKNOWN = "push_unknown";

/**
 * In git's words: the server refused the branch, or (4xx) whoever asks, before or instead of taking it. Then it was not done. Not
 * with `--porcelain`, by which git says the first of these elsewhere.
 */
const REFUSED =
  /\[(?:remote )?rejected\]|returned error: 4\d\d|Authentication failed|could not read Username|repository '\S+' not found/;

/** A branch was not pushed; nothing was changed in the remote repository. */
class PushRefused extends AfkError {
  constructor(message: string) {
    super("push_refused", message, { retry: "never" });
  }
}

/**
 * Pushes a drafted commit as a branch of its own: one that is not there yet, or is exactly this commit. Nothing is forced, and the
 * token is in no argument.
 * @throws AfkError where nothing was pushed; GitFailed (`push_unknown`) where it may have been.
 */
export async function pushBranch(
  mirror: Mirror,
  { remote, branch, base, commit }: PushRequest,
  { token, signal }: { token: string; signal: AbortSignal },
): Promise<void> {
  const options = { cwd: mirror.path, signal };
  try {
    await gitLine(["rev-parse", "--verify", "--quiet", `${keptRef(commit)}^{commit}`], options);
  } catch (error) {
    if (!(error instanceof AfkError)) throw error;
    throw new PushRefused(
      `the commit ${commit.slice(0, 12)} is not in the state any more; reject the draft, and run the job again`,
    );
  }
  const there = withNetwork(options, remote, token);
  const refs = await remoteRefs(remote, there);
  // Looked at again now: it may have become so since it was drafted.
  if (branch === base || branch === refs.defaultBranch)
    throw new PushRefused(`${branch} is the branch that the others start from; nothing is pushed to it`);
  if (!refs.heads.has(base)) throw new PushRefused(`${remote} has no branch ${base} to ask for a pull into`);
  const found = refs.heads.get(branch);
  if (found === commit) return;
  if (found !== undefined)
    throw new PushRefused(
      `${remote} has another branch ${branch}, which was left as it is; delete it there, or reject the draft`,
    );
  try {
    // An empty expectation: the server takes it only where there is no such branch.
    const onlyNew = `--force-with-lease=refs/heads/${branch}:`;
    const how = ["--no-verify", "--no-follow-tags", "--recurse-submodules=no", onlyNew];
    await git(["push", ...how, "--", remote, `${commit}:refs/heads/${branch}`], there);
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    if (REFUSED.test(error.message)) throw new PushRefused(`${remote} refused the branch: ${error.message}`);
    throw new GitFailed(PUSH_UNKNOWN, `${messageOf(error)}; it may have been pushed`, { cause: error });
  }
}

async function remoteRefs(
  remote: string,
  options: GitOptions,
): Promise<{ defaultBranch: string | null; heads: Map<string, string> }> {
  let listed: string;
  try {
    listed = (await git(["ls-remote", "--symref", "--", remote, "HEAD", "refs/heads/*"], options)).toString(
      "utf8",
    );
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    throw new PushRefused(
      `${remote} could not be asked for its branches (${messageOf(error)}); nothing was pushed`,
    );
  }
  const heads = [...listed.matchAll(/^([0-9a-f]+)\trefs\/heads\/(\S+)$/gm)].map(
    ([, commit = "", name = ""]) => [name, commit] as const,
  );
  return {
    defaultBranch: /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(listed)?.[1] ?? null,
    heads: new Map(heads),
  };
}

/** Lets git speak to one address, with the token, and follow no redirect with it. */
function withNetwork(options: GitOptions, remote: string, token: string): GitOptions {
  const { protocol, origin } = new URL(remote);
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  return {
    ...options,
    settings: [`protocol.${protocol.slice(0, -1)}.allow=always`, "http.followRedirects=false"],
    env: {
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: `http.${origin}/.extraHeader`,
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
    },
  };
}
