import { statSync } from "node:fs";
import { resolve } from "node:path";
import { plural } from "../../lib/text.ts";
import { PermanentFailure } from "../../queue/job.ts";
import type { JobContext, JobKind, JobResult } from "../job.ts";
import { checkHandedDrafts } from "../programs/handed-drafts.ts";
import { networkWords } from "../programs/network-words.ts";
import { takeHandedIn } from "../programs/result-file.ts";
import { type ProgramRun, runProgram } from "../programs/run-program.ts";
import { checkProgram } from "../programs/settings.ts";
import { execReport } from "./report.ts";
import { type ExecSettings, execSettings } from "./settings.ts";

/** Any command. Its standard input is the payload as JSON (empty beside a gateway where there is none); exit 0 is done, and anything else is tried again. */
export const exec: JobKind<ExecSettings> = {
  kind: "exec",
  // A program that ran is not yet work that somebody was spared.
  minutesSavedPerUnit: 0,
  settings: execSettings,
  check: checkProgram,
  run: runExec,
};

type Context = JobContext<ExecSettings>;

async function runExec(context: Context): Promise<JobResult> {
  const { settings, period } = context;
  const ran = await context.step("run", () => runOnce(context));
  if (settings.isPublished) context.publish(`${context.name}-${period.label}.txt`, ran.stdout);
  const handed = ran.handed ?? null;
  const summary = handed?.summary ?? summaryOf(ran);
  const { items, ...rest } = handed === null ? { items: [] } : takeHandedIn(context, handed);
  return {
    units: handed?.units ?? settings.units,
    summary,
    report: execReport(ran, { summary, handed, items }),
    output: ran.stdout,
    ...rest,
  };
}

async function runOnce(context: Context): Promise<ProgramRun> {
  const cwd = folderOf(context);
  using folder = context.openFolder();
  const { ran } = await runProgram(context, { cwd, input: inputOf(context), folder });
  checkHandedDrafts(context.name, ran.handed);
  return ran;
}

function summaryOf(ran: ProgramRun): string {
  const size = `${Buffer.byteLength(ran.stdout)} bytes of output${ran.truncated ? " (cut)" : ""}`;
  const asked = ran.requests === undefined ? "" : `, ${askedWords(ran.requests)}`;
  return `exit 0 after ${ran.durationMs / 1_000} s, ${size}${asked}${networkWords(ran.network)}`;
}

function askedWords(requests: number): string {
  if (requests === 0) return "no request at its gateway (see docs/gateway.md, Jobs)";
  return `${plural(requests, "request")} at its gateway`;
}

/** Agents take what stands there for a part of what they are asked. */
function inputOf({ settings, payload }: Context): string {
  return settings.hasGateway && payload === null ? "" : (JSON.stringify(payload) ?? "null");
}

/** A command and a folder that are missing give the same error of the system, so the folder is checked first. */
function folderOf({ name, base, settings }: Context): string {
  const cwd = resolve(base, settings.cwd);
  if (isFolder(cwd)) return cwd;
  throw new PermanentFailure(
    "exec_no_folder",
    `job ${name} cannot start in ${cwd}, which is no folder; make it, or mend cwd in afk.yaml`,
  );
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
