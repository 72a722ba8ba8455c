import { type Check, GROUPS } from "../../ops/doctor/check.ts";
import { oneLine, type Style } from "../output.ts";
import { type Line, span, wrapLine } from "../spans.ts";

const MARKS: Record<Check["result"], { mark: string; style: Style }> = {
  ok: { mark: "ok  ", style: "green" },
  warn: { mark: "warn", style: "yellow" },
  bad: { mark: "BAD ", style: "red" },
  skipped: { mark: "skip", style: "dim" },
};

const INDENT = 7;
const LINES_MAX = 12;

/** The checks in groups, each with what was found, and below it how to mend it; then the sum. */
export function doctorView(checks: readonly Check[], columns: number | null): Line[] {
  const width = columns ?? Number.POSITIVE_INFINITY;
  const groups = GROUPS.flatMap((group) => {
    const those = checks.filter((check) => check.group === group);
    return those.length === 0
      ? []
      : [[span("bold", group)], ...those.flatMap((check) => checkLines(check, width)), []];
  });
  return [...groups, sumLine(checks)];
}

function checkLines({ name, result, found, mend, network }: Check, columns: number): Line[] {
  const { mark, style } = MARKS[result];
  const over = network ? span("dim", " (network)") : "";
  const lines = wrapLine(
    ["  ", span(style, mark), " ", span("bold", name), over, `: ${oneLine(found)}`],
    columns,
    INDENT,
    LINES_MAX,
  );
  if (mend === null) return lines;
  const how = [" ".repeat(INDENT), span("cyan", "mend: "), oneLine(mend)];
  return [...lines, ...wrapLine(how, columns, INDENT + 6, LINES_MAX)];
}

function sumLine(checks: readonly Check[]): Line {
  const count = (result: Check["result"]) => checks.filter((check) => check.result === result).length;
  const [bad, warn, skipped] = [count("bad"), count("warn"), count("skipped")];
  const parts = [
    `${count("ok")} ok`,
    ...(warn > 0 ? [`${warn} worth mending`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  const verdict = bad === 0 ? span("green", "fit to work") : span("red", `${bad} to mend`);
  return [verdict, `: ${parts.join(", ")}`];
}
