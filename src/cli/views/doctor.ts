import { type Check, GROUPS } from "../../ops/doctor/check.ts";
import { oneLine, paint, type Style } from "../output.ts";
import { hang } from "../text.ts";

const MARKS: Record<Check["result"], { mark: string; style: Style }> = {
  ok: { mark: "ok  ", style: "green" },
  warn: { mark: "warn", style: "yellow" },
  bad: { mark: "BAD ", style: "red" },
  skipped: { mark: "skip", style: "dim" },
};

const LINES_MAX = 12;

/** The checks in groups, each with what was found, and below it how to mend it; then the sum. */
export function doctorView(checks: readonly Check[], columns: number | null): string[] {
  const width = columns ?? Number.POSITIVE_INFINITY;
  const groups = GROUPS.flatMap((group) => {
    const those = checks.filter((check) => check.group === group);
    return those.length === 0
      ? []
      : [paint("bold", group), ...those.flatMap((check) => checkLines(check, width)), ""];
  });
  return [...groups, sumLine(checks)];
}

function checkLines({ name, result, found, mend, network }: Check, columns: number): string[] {
  const { mark, style } = MARKS[result];
  const over = network ? paint("dim", " (network)") : "";
  const text = `${paint("bold", name)}${over}: ${oneLine(found)}`;
  return [
    ...hang(`  ${paint(style, mark)} `, text, columns, LINES_MAX),
    ...(mend === null ? [] : hang(`       ${paint("cyan", "mend: ")}`, oneLine(mend), columns, LINES_MAX)),
  ];
}

function sumLine(checks: readonly Check[]): string {
  const count = (result: Check["result"]) => checks.filter((check) => check.result === result).length;
  const [bad, warn, skipped] = [count("bad"), count("warn"), count("skipped")];
  const parts = [
    `${count("ok")} ok`,
    ...(warn > 0 ? [`${warn} worth mending`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  const verdict = bad === 0 ? paint("green", "fit to work") : paint("red", `${bad} to mend`);
  return `${verdict}: ${parts.join(", ")}`;
}
