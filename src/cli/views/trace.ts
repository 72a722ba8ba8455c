import { formatDuration } from "../../lib/duration-text.ts";
import type { Level } from "../../lib/log.ts";
import { formatUsd } from "../../lib/money.ts";
import { momentText } from "../../lib/zone.ts";
import type { Trace, TraceNode } from "../../logs/trace.ts";
import { oneLine, type Style } from "../output.ts";
import { type Line, span, wrapLine } from "../spans.ts";

const MARKS: Record<Level, { mark: string; style: Style | null }> = {
  debug: { mark: "", style: "dim" },
  info: { mark: "", style: null },
  warn: { mark: "! ", style: "yellow" },
  error: { mark: "x ", style: "red" },
};

const WRAPPED_LINES_MAX = 4;

/** A tick's trace as a tree: what happened, how long it took, what it cost. `columns` null is no terminal. */
export function traceView(
  { root, omitted }: Trace,
  { timezone, columns }: { timezone: string; columns: number | null },
): Line[] {
  const width = columns ?? Number.POSITIVE_INFINITY;
  const lines = [...nodeLines(root, "", "", width)];
  const began = span("dim", `began ${momentText(root.startMs, timezone)} ${timezone}`);
  lines.splice(1, 0, [began]);
  if (omitted > 0) lines.push([span("yellow", `… ${omitted} more lines: afk logs --tick ID --json`)]);
  return lines;
}

function* nodeLines(node: TraceNode, branch: string, stem: string, columns: number): Generator<Line> {
  const { mark, style } = MARKS[node.level] ?? MARKS.info;
  const figures = [
    ...(node.durationMs === null ? [] : [formatDuration(node.durationMs)]),
    ...(node.costMicros === null ? [] : [formatUsd(node.costMicros)]),
  ].join(", ");
  const words = span(
    node.children.length > 0 && style === null ? "bold" : style,
    `${mark}${oneLine(node.words)}`,
  );
  const details = node.details === "" ? "" : `  ${oneLine(node.details)}`;
  const text: Line = [words, details, ...(figures === "" ? [] : [span("cyan", `  [${figures}]`)])];
  const room = Math.max(20, columns - Math.max(branch.length, stem.length + 1));
  const wrapped = wrapLine(text, room, 2, WRAPPED_LINES_MAX);
  const isParent = node.children.length > 0;
  for (const [i, line] of wrapped.entries())
    yield [span("dim", i === 0 ? branch : `${stem}${isParent ? "│" : " "}`), ...line];
  for (const [i, child] of node.children.entries()) {
    const isLast = i === node.children.length - 1;
    yield* nodeLines(child, `${stem}${isLast ? "└─ " : "├─ "}`, `${stem}${isLast ? "   " : "│  "}`, columns);
  }
}
