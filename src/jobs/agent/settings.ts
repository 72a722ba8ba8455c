import * as v from "valibot";
import type { Config } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { section, text } from "../../config/fields.ts";
import { fromHome } from "../../config/locations.ts";
import { allowEntry, networkEntry } from "../programs/network-settings.ts";
import { checkProgram, programEntries } from "../programs/settings.ts";

const WRITE_PROMPT =
  "write what the agent is to do, at most 100000 characters, or prompt_file: with the path of a file";
const WRITE_PATH = "write the path of a file, for example ./fix.md";
const WRITE_REPO = "write the path of a git repository, for example ./repo";
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
      text(
        "Where it begins; what is checked out in the repository unless stated.",
        WRITE_REF,
        /^(?!-)[^\0-\x20~^:?*[\\\x7f]+$/,
        200,
      ),
    ),
    env,
    network: networkEntry("gateway"),
    allow: allowEntry,
    max_output_kb,
  }),
  v.transform(({ max_output_kb, prompt, prompt_file, repo, ref, allow, ...entry }) => ({
    ...entry,
    prompt: prompt ?? null,
    promptFile: prompt_file === undefined ? null : fromHome(prompt_file),
    repo: fromHome(repo),
    ref: ref ?? null,
    hasGateway: true,
    allow: allow ?? null,
    isStateVisible: false,
    outputBytesMax: max_output_kb * 1024,
  })),
);

/** What such an entry comes to. */
export type AgentSettings = v.InferOutput<typeof agentSettings>;

/** Exactly one of the two says what is to be done. */
export function checkAgent(settings: AgentSettings, config: Config): ConfigIssue[] {
  const issues = checkProgram(settings, config);
  if ((settings.prompt === null) === (settings.promptFile === null)) {
    const found =
      settings.prompt === null ? "found neither prompt nor prompt_file" : "stands beside prompt_file";
    issues.push({ path: "prompt", message: `${found}; ${WRITE_PROMPT}` });
  }
  return issues;
}
