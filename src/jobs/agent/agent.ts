import { lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { AfkError } from "../../lib/errors.ts";
import { RunCapped } from "../../rails/halt.ts";
import type { JobContext, JobKind, JobResult, RunFolder } from "../job.ts";
import { checkHandedDrafts } from "../programs/handed-drafts.ts";
import { readNamedFile } from "../programs/named-file.ts";
import { readOwnFile } from "../programs/own-file.ts";
import { takeHandedIn } from "../programs/result-file.ts";
import { type ProgramStart, runProgram } from "../programs/run-program.ts";
import { draftOf, keepCommit, targetOf, titleOf } from "./draft.ts";
import { type LastMessage, lastMessage } from "./message.ts";
import { makePatch, makeScratch } from "./patch.ts";
import { type AgentRun, agentReport, summaryOf } from "./report.ts";
import { type Base, checkOut, type Mirror, mirrorOf, updateMirror } from "./repository.ts";
import { type AgentSettings, agentSettings, checkAgent } from "./settings.ts";

/**
 * A coding agent, or a script that does its work, on a copy of a repository. What it asks of models passes the gates; what it
 * changed becomes a patch in `out/`, and nothing else of it is kept.
 */
export const agent: JobKind<AgentSettings> = {
  kind: "agent",
  settings: agentSettings,
  check: checkAgent,
  run: runAgent,
};

type Context = JobContext<AgentSettings>;

const PROMPT_BYTES_MAX = 100 * 1024;
const MESSAGE_FILE = "last-message.md";
const PLACEHOLDER = /\{(?:prompt|prompt_file|last_message|base)\}/g;
const MESSAGE_BYTES_MAX = 64 * 1024;
/** Of its output in the record: a patch stands there too. */
const KEPT_CHARS_MAX = 32 * 1024;

async function runAgent(context: Context): Promise<JobResult> {
  const { settings, name, period, base: folder, signal } = context;
  const mirror = mirrorOf(context.repos, name);
  const repo = resolve(folder, settings.repo);
  // A crash in the middle begins again at the same commit, so that what was bought is asked for in the same words.
  const base = await context.step("base", () =>
    updateMirror(mirror, { repo, ref: settings.ref, job: name }, signal),
  );
  const target = targetOf(settings, base, name);
  const run = await context.step("run", () => workOn(context, mirror, base));
  const { patch, commit } = run;
  if (patch.files > 0) context.publish(`${name}-${period.label}.patch`, patch.text);
  if (target !== null && commit !== null) {
    const draft = draftOf(run, target, { job: name, period: period.label, commit });
    context.draft(draft.branch.slice(0, 150), "pull_request", draft);
  }
  const { items, ...rest } = run.handed === null ? { items: [] } : takeHandedIn(context, run.handed);
  return {
    units: run.handed?.units ?? (patch.files > 0 ? 1 : 0),
    summary: run.handed?.summary ?? summaryOf(run),
    report: agentReport(run, items),
    ...rest,
  };
}

/** What is recorded of a run that ended well, with its streams for `afk jobs show`. */
type Recorded = AgentRun & { stdout: string; stderr: string };

async function workOn(context: Context, mirror: Mirror, { commit }: Base): Promise<Recorded> {
  const { name, period, signal } = context;
  using folder = context.openFolder();
  const worktree = join(folder.path, "work");
  await checkOut(mirror, { commit, to: worktree, job: name, period: period.label }, signal);
  const { dev, ino } = lstatSync(worktree);
  const { command, start } = prepare(context, folder, worktree);
  const { ran, secrets, redact, capped } = await runProgram(
    { ...context, settings: { ...context.settings, command } },
    start,
  );
  // There are agents that say that all is well when nothing was answered any more (aider does); half of the work is none.
  if (capped !== null)
    throw new RunCapped(
      `job ${name}: its program ended with 0, but its last request was refused: ${capped.message}`,
      capped.afterMs,
    );
  const message = messageFrom(ran.stdout, join(folder.path, MESSAGE_FILE));
  const fail = (code: string, what: string) => new AfkError(code, redact(`job ${name}: ${what}`));
  if (message.isError)
    throw fail("agent_failed", `the agent says that it failed: ${message.text.slice(0, 500)}`);
  checkHandedDrafts(name, ran.handed);
  // A link in its place would lead to files that the program itself may not read; it may have been given the folder's number.
  const now = lstatSync(worktree);
  if (!now.isDirectory() || now.ino !== ino || now.dev !== dev)
    throw fail("agent_failed", "its program put something else in the place of its worktree");
  using scratch = await makeScratch(mirror, `${folder.path}.git`, signal);
  const patch = await makePatch(scratch, { worktree, commit, job: name }, signal);
  if (secrets.some((secret) => patch.text.includes(secret)))
    throw fail(
      "secret_in_patch",
      "its patch holds a secret of the run (its key, or a value of env_file), and is not kept; have the agent keep those out of its files",
    );
  const said = { patch, message: redact(message.text), handed: ran.handed ?? null };
  const made = { commit, job: name, atMs: period.slotMs, message: titleOf(said, name) };
  const isDrafted = context.settings.isDrafted && patch.files > 0;
  return {
    ...said,
    commit: isDrafted ? await keepCommit({ mirror, scratch, patch }, made, signal) : null,
    requests: ran.requests ?? 0,
    costMicros: ran.costMicros ?? 0,
    durationMs: ran.durationMs,
    truncated: ran.truncated,
    ...(ran.network !== undefined && { network: ran.network }),
    stdout: ran.stdout.slice(-KEPT_CHARS_MAX),
    stderr: ran.stderr.slice(-KEPT_CHARS_MAX),
  };
}

function messageFrom(stdout: string, path: string): LastMessage {
  const written = readOwnFile(path, MESSAGE_BYTES_MAX);
  return lastMessage(stdout, written !== null && "text" in written ? written.text : null);
}

/** Writes what the program finds in its folder, and puts that into its command and environment. */
function prepare(
  { name, base, settings, payload }: Context,
  folder: RunFolder,
  worktree: string,
): { command: string[]; start: ProgramStart } {
  const prompt = promptOf(name, base, settings, payload);
  const promptFile = join(folder.path, "prompt.md");
  writeFileSync(promptFile, prompt, { mode: 0o600 });
  // Its own: what the owner's programs have in theirs (sign-ins, hooks, settings) is nothing for an agent that nobody watches.
  const env = { HOME: join(folder.path, "home"), TMPDIR: join(folder.path, "tmp") };
  for (const path of Object.values(env)) mkdirSync(path, { mode: 0o700 });
  const values: Record<string, string> = {
    "{prompt}": prompt,
    "{prompt_file}": promptFile,
    "{last_message}": join(folder.path, MESSAGE_FILE),
    "{base}": base,
  };
  const command = settings.command.map((word) =>
    word.replaceAll(PLACEHOLDER, (found) => values[found] ?? found),
  );
  const hasPrompt = settings.command.some((word) => /\{prompt(?:_file)?\}/.test(word));
  return { command, start: { cwd: worktree, input: hasPrompt ? "" : prompt, folder, env } };
}

/** A payload stands under the prompt: a text as it is, all else as JSON. */
function promptOf(job: string, base: string, settings: AgentSettings, payload: unknown): string {
  const own = settings.prompt ?? readPromptFile(job, resolve(base, settings.promptFile ?? ""));
  if (payload === null) return own;
  const added = typeof payload === "string" ? payload : JSON.stringify(payload, null, 2);
  return `${own.trimEnd()}\n\n${added}\n`;
}

function readPromptFile(job: string, path: string): string {
  const { text, refuse } = readNamedFile(path, {
    code: "agent_prompt",
    what: `job ${job}: prompt_file`,
    key: "prompt_file in afk.yaml",
    bytesMax: PROMPT_BYTES_MAX,
    smaller: "say less",
  });
  if (text.trim() === "" || text.includes("\0"))
    throw refuse("is empty or no text; write what the agent is to do");
  return text;
}
