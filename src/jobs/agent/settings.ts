import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { section, text, url } from "../../config/fields.ts";
import { fromHome } from "../../config/locations.ts";
import { isAllowed } from "../../egress/allowlist.ts";
import { allowEntry, networkEntry } from "../programs/network-settings.ts";
import { checkProgram, programEntries } from "../programs/settings.ts";
import { openTokenIssues } from "../sources/forge/settings.ts";

const WRITE_PROMPT =
  "write what the agent is to do, at most 100000 characters, or prompt_file: with the path of a file";
const WRITE_PATH = "write the path of a file, for example ./fix.md";
const WRITE_REPO = "write the path of a git repository, for example ./repo";
const WRITE_TOKEN = `write a token, best as "\${GITHUB_TOKEN}"`;
/** What git takes for the name of a branch, and for nothing else. */
const REF = /^(?!-)[^\0-\x20~^:?*[\\\x7f]+$/;
const WRITE_REF = "write a branch, a tag or a commit, for example main";

const { command, env, max_output_kb } = programEntries;

/** A `kind: agent` entry of afk.yaml without the keys that every job has. */
export const agentSettings = v.pipe(
  section("A coding agent in a worktree of its own, with models behind the gates; its result is a patch.", {
    command,
    prompt: v.optional(text("What the agent is to do.", WRITE_PROMPT, /\S/, 100_000)),
    prompt_file: v.optional(
      text("File that says it instead, read when the job runs.", WRITE_PATH, /^[^\0]+$/, 2000),
    ),
    repo: text("Git repository that it works on a copy of; it is only read.", WRITE_REPO, /^[^\0]+$/, 2000),
    ref: v.optional(
      text("Where it begins; what is checked out in the repository unless stated.", WRITE_REF, REF, 200),
    ),
    env,
    network: networkEntry("gateway"),
    allow: allowEntry,
    max_output_kb,
    draft: v.optional(
      v.pipe(
        v.literal("pull_request", "write pull_request, or leave it out"),
        v.description("What is drafted of its changes; a person approves it."),
      ),
    ),
    pull_request: v.optional(
      section("Where the pull request goes.", {
        token: text(
          `Token that may push branches and open pull requests; best as "\${NAME}".`,
          WRITE_TOKEN,
          /^[\x21-\x7e]+$/,
          1000,
        ),
        remote: v.optional(
          url(
            "The repository on the web; origin of `repo` unless stated.",
            "https://github.com/octo-org/repo",
          ),
        ),
        base: v.optional(
          text(
            "The branch to ask for a pull into; the one that it begins at unless stated.",
            WRITE_REF,
            REF,
            200,
          ),
        ),
        api: v.optional(
          url(
            "API of a GitHub of your own; without it a pull request is opened on github.com, and elsewhere the branch is pushed alone.",
            "https://github.example.org/api/v3",
          ),
        ),
      }),
    ),
  }),
  v.transform(({ max_output_kb, prompt, prompt_file, repo, ref, allow, draft, pull_request, ...entry }) => ({
    ...entry,
    prompt: prompt ?? null,
    promptFile: prompt_file === undefined ? null : fromHome(prompt_file),
    repo: fromHome(repo),
    ref: ref ?? null,
    isDrafted: draft !== undefined,
    pullRequest: pull_request === undefined ? null : withoutSlash(pull_request),
    hasGateway: true,
    allow: allow ?? null,
    isStateVisible: false,
    outputBytesMax: max_output_kb * 1024,
  })),
);

function withoutSlash<T extends { remote?: string | undefined; api?: string | undefined }>(entry: T) {
  const trimmed = (address: string | undefined) => address?.replace(/\/+$/, "") ?? null;
  return { ...entry, remote: trimmed(entry.remote), api: trimmed(entry.api) };
}

/** What such an entry comes to. */
export type AgentSettings = v.InferOutput<typeof agentSettings>;

/** What one key asks of another, and the hosts that a pull request goes to. */
export function checkAgent(settings: AgentSettings, config: Config): ConfigIssue[] {
  const issues = checkProgram(settings, config);
  if (settings.isDrafted !== (settings.pullRequest !== null)) {
    const message = settings.isDrafted
      ? `stands without pull_request; write pull_request: { token: "\${GITHUB_TOKEN}" } beside it`
      : "found pull_request without draft; write draft: pull_request beside it";
    issues.push({ path: settings.isDrafted ? "draft" : "pull_request", message });
  }
  for (const key of ["remote", "api"] as const) {
    const address = settings.pullRequest?.[key] ?? undefined;
    const host = URL.parse(address ?? "")?.hostname;
    issues.push(...openTokenIssues(`pull_request.${key}`, address, settings.pullRequest?.token));
    if (host !== undefined && !isAllowed(host, config.egress.allow))
      issues.push({
        path: `pull_request.${key}`,
        message: `${host} is not in egress.allow; add ${host} to it`,
      });
  }
  if ((settings.prompt === null) === (settings.promptFile === null)) {
    const found =
      settings.prompt === null ? "found neither prompt nor prompt_file" : "stands beside prompt_file";
    issues.push({ path: "prompt", message: `${found}; ${WRITE_PROMPT}` });
  }
  return issues;
}
