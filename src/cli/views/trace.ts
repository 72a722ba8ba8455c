import { formatDuration } from "../../lib/duration-text.ts";
import type { Level } from "../../lib/log.ts";
import { formatUsd } from "../../lib/money.ts";
import { momentText } from "../../lib/zone.ts";
import type { Trace, TraceNode } from "../../logs/trace.ts";
import { oneLine, paint, type Style } from "../output.ts";
import { hang } from "../text.ts";

const LEVEL_STYLES: Record<Level, { prefix: string; style: Style | null }> = {
  debug: { prefix: "", style: "dim" },
  info: { prefix: "", style: null },
  warn: { prefix: "! ", style: "yellow" },
  error: { prefix: "x ", style: "red" },
};

const WRAPPED_LINES_MAX = 4;
const TEXT_COLUMNS_MIN = 20;

/** A tick's trace as a tree: what happened, how long it took, what it cost. `columns` null is no terminal. */
export function traceView(
  { root, omitted }: Trace,
  { timezone, columns }: { timezone: string; columns: number | null },
): string[] {
  const lines = [...nodeLines(root, "", "", columns ?? Number.POSITIVE_INFINITY)];
  lines.splice(1, 0, paint("dim", `began ${momentText(root.startMs, timezone)} ${timezone}`));
  if (omitted > 0) lines.push(paint("yellow", `… ${omitted} more lines: afk logs --tick ID --json`));
  return lines;
}

function* nodeLines(node: TraceNode, branch: string, stem: string, columns: number): Generator<string> {
  const rest = `${stem}${node.children.length > 0 ? "│" : " "}`.padEnd(branch.length);
  const width = Math.max(columns, branch.length + TEXT_COLUMNS_MIN);
  yield* hang(paint("dim", branch), nodeText(node), width, WRAPPED_LINES_MAX, paint("dim", rest));
  for (const [i, child] of node.children.entries()) {
    const isLast = i === node.children.length - 1;
    yield* nodeLines(child, `${stem}${isLast ? "└─ " : "├─ "}`, `${stem}${isLast ? "   " : "│  "}`, columns);
  }
}

function nodeText({ level, words, details, durationMs, costMicros, children }: TraceNode): string {
  const { prefix, style } = LEVEL_STYLES[level] ?? LEVEL_STYLES.info;
  const title = `${prefix}${oneLine(words)}`;
  const shown = style ?? (children.length > 0 ? "bold" : null);
  const figures = [
    ...(durationMs === null ? [] : [formatDuration(durationMs)]),
    ...(costMicros === null ? [] : [formatUsd(costMicros)]),
  ].join(", ");
  return [
    shown === null ? title : paint(shown, title),
    ...(details === "" ? [] : [oneLine(details)]),
    ...(figures === "" ? [] : [paint("cyan", `[${figures}]`)]),
  ].join("  ");
}
