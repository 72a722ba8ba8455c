import { formatRelative } from "../../lib/duration-text.ts";
import { type PausedJob, unpauseWith } from "../../ops/paused.ts";
import { oneLine, paint } from "../output.ts";

/** Rows of the status: each paused job, by whom, since when, why, and what ends that. */
export function pausedRows(jobs: readonly PausedJob[], nowMs: number): [label: string, text: string][] {
  return jobs.map((each, i) => {
    const since = each.since === null ? "" : ` ${formatRelative(Date.parse(each.since), nowMs)}`;
    const why = each.reason === null ? "" : `: ${oneLine(each.reason)}`;
    const text = `${paint("yellow", each.job)} by ${oneLine(each.by)}${since}${why}. To go on: ${unpauseWith(each)}`;
    return [i === 0 ? "paused" : "", text];
  });
}
