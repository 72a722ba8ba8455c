import type { ReportItem, RunReport } from "../../delivery/report.ts";
import { formatUsd } from "../../lib/money.ts";
import { plural } from "../../lib/text.ts";
import { networkWords, type RunNetwork } from "../programs/network-words.ts";
import type { HandedIn } from "../programs/result-file.ts";
import type { Patch } from "./patch.ts";

/** What a run of an agent came to, as it is kept. */
export interface AgentRun {
  patch: Patch;
  message: string;
  requests: number;
  costMicros: number;
  durationMs: number;
  truncated: boolean;
  handed: HandedIn | null;
  /** Left out where it had the machine's. */
  network?: RunNetwork;
  /** The commit that a person is asked to approve; null where nothing is drafted. */
  commit: string | null;
}

/** `3 files, +10 -2`; what was changed, in words. */
export function changeWords({ files, added, removed }: Patch): string {
  return files === 0 ? "changed nothing" : `${plural(files, "file")}, +${added} -${removed}`;
}

/** The one line on a run, with its cost. */
export function summaryOf(run: AgentRun): string {
  const seconds = `${Math.round(run.durationMs / 1_000)} s`;
  const asked =
    run.requests === 0
      ? "no request at its gateway (see docs/agents.md)"
      : `${plural(run.requests, "request")} for ${formatUsd(run.costMicros)}`;
  return `${changeWords(run.patch)}; ${asked}, ${seconds}${networkWords(run.network)}`;
}

/** What receivers get: the last message under what was changed. A run that changed nothing is no news. */
export function agentReport(run: AgentRun, items: ReportItem[]): RunReport {
  const { patch, handed } = run;
  const title = patch.files === 0 ? "changed nothing" : `changed ${changeWords(patch)}`;
  return {
    title: handed?.title ?? title,
    text: handed?.text ?? run.message,
    counts: summaryOf(run),
    sections: items.length === 0 ? [] : [{ heading: null, items }],
    notes: [
      ...patch.leftOut.map((name) => `${name} is a repository of its own, and not in the patch.`),
      ...(run.truncated ? ["There was more output than max_output_kb keeps."] : []),
    ],
    files: [],
    isNews: patch.files > 0 || items.length > 0,
  };
}
