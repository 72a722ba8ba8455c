import * as v from "valibot";
import { PLAIN_LINE } from "../../lib/text.ts";
import type { Action } from "./action.ts";
import { GITHUB_HEADERS } from "./github.ts";

const WRITE_ADDRESS =
  "write the address of a repository that begins with https:// or http://, without user name or password";
const WRITE_BRANCH = "write the name of a branch";
const WRITE_OWN = "write a branch of its own that begins with afk/";
const WRITE_COMMIT = "write the whole name of a commit";
const WRITE_TITLE = "write a title of one line, at most 200 characters";
const WRITE_BODY = "write a text of at most 20000 characters";

/** What stands before the name of every branch that afk pushes: no branch of a person's is called so. */
export const OWN_BRANCH = /^afk\/[A-Za-z0-9][A-Za-z0-9.-]{0,180}$/;
const BRANCH = /^(?!-)(?!.*\.\.)[^\p{C}\s~^:?*[\\]{1,200}$/u;
const ADDRESS = /^https?:\/\/[^\s/?#@]+\/[^\s?#@]+$/;

const target = {
  remote: v.pipe(v.string(WRITE_ADDRESS), v.maxLength(2_000, WRITE_ADDRESS), v.regex(ADDRESS, WRITE_ADDRESS)),
  base: v.pipe(v.string(WRITE_BRANCH), v.regex(BRANCH, WRITE_BRANCH)),
  /** Where the pull request is opened; null where the branch is all. */
  github: v.nullable(
    v.strictObject({
      api: v.pipe(v.string(WRITE_ADDRESS), v.regex(/^https?:\/\/[^\s?#@]+$/, WRITE_ADDRESS)),
      repository: v.pipe(v.string(), v.regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, "write owner/repository")),
    }),
  ),
};

/** Where a pull request can go. */
export const targetSchema = v.strictObject(target);

const schema = v.pipe(
  v.strictObject({
    /** The job that made it: its mirror has the commit, and its entry in afk.yaml the token. */
    job: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "write the name of the job")),
    ...target,
    branch: v.pipe(
      v.string(WRITE_OWN),
      v.regex(OWN_BRANCH, WRITE_OWN),
      v.check((name) => !name.includes(".."), WRITE_OWN),
    ),
    commit: v.pipe(v.string(WRITE_COMMIT), v.regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, WRITE_COMMIT)),
    /** `3 files, +10 -2` and a line for each file, for the person who approves. */
    changes: v.pipe(v.string(WRITE_BODY), v.maxLength(20_000, WRITE_BODY)),
    title: v.pipe(
      v.string(WRITE_TITLE),
      v.minLength(1, WRITE_TITLE),
      v.maxLength(200, WRITE_TITLE),
      v.regex(PLAIN_LINE, WRITE_TITLE),
    ),
    body: v.pipe(v.string(WRITE_BODY), v.maxLength(20_000, WRITE_BODY)),
  }),
  v.check(({ branch, base }) => branch !== base, WRITE_OWN),
);

/** What of a drafted pull request a push needs. */
export type PullRequest = v.InferOutput<typeof schema>;

/** GitHub answers so where there is one from this branch already, which then is what was asked for. */
const EXISTS = 422;

/**
 * Pushes a branch of its own, which nobody else has, and opens a pull request from it. Both are harmless when they are done again:
 * what is there already is found to be there.
 */
export const pullRequest: Action<PullRequest> = {
  action: "pull_request",
  content: schema,
  async run(content, tools) {
    const { job, remote, branch, base, title, body, github } = content;
    await tools.push(content);
    const where = `branch ${branch} of ${new URL(remote).host}${new URL(remote).pathname}`;
    if (github === null) return { summary: `${where} was pushed` };
    const { status } = await tools.post(`${github.api}/repos/${github.repository}/pulls`, {
      method: "POST",
      headers: GITHUB_HEADERS,
      body: JSON.stringify({ title, head: branch, base, body }),
      credentials: { job },
      alsoDone: [EXISTS],
    });
    const opened = status === EXISTS ? "was open already" : "was opened";
    return { summary: `${where} was pushed, and a pull request into ${base} ${opened}` };
  },
};
