import { FINDINGS } from "../../ops/condition/finding.ts";
import { type Check, GROUPS } from "../../ops/doctor/check.ts";
import { oneLine, paint, type Style } from "../output.ts";
import { hang } from "../text.ts";

const LABELS: Record<Check["result"], { label: string; style: Style }> = {
  ok: { label: "ok  ", style: "green" },
  warn: { label: "warn", style: "yellow" },
  bad: { label: "BAD ", style: "red" },
  skipped: { label: "skip", style: "dim" },
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
  const { label, style } = LABELS[result];
  const over = network ? paint("dim", " (network)") : "";
  const text = `${paint("bold", name)}${over}: ${oneLine(found)}`;
  return [
    ...hang(`  ${paint(style, label)} `, text, columns, LINES_MAX),
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
  return `${verdict(checks, bad)}: ${parts.join(", ")}`;
}

/** Advice about the setting up, such as a ping that is not there, is no finding of the agent's condition. */
function verdict(checks: readonly Check[], bad: number): string {
  if (bad > 0) return paint("red", `${bad} to mend`);
  const found = checks.flatMap(({ code }) => code ?? []);
  if (found.length === 0) return paint("green", "fit to work");
  const isUrgent = found.some((code) => FINDINGS[code].isUrgent);
  return paint("yellow", isUrgent ? "needs you" : "works with limits");
}
