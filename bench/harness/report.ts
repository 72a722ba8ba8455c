import { type Goal, isMet, type Result, type Row, type Unit } from "./benchmark.ts";
import type { Spread } from "./statistics.ts";

/** A benchmark's answers, with what an fsync took meanwhile. */
export interface Answered {
  name: string;
  question: string;
  rows: Row[];
  /** Null when it did not get that far. */
  fsyncUs: Spread | null;
  seconds: number;
}

/** The table for a terminal: one line an answer, with its benchmark's question above. */
export function tableLines(answered: Answered): string[] {
  const fsync = answered.fsyncUs === null ? "" : `; fsync ${fsyncText(answered.fsyncUs)}`;
  const head = `${answered.name}: ${answered.question} (${answered.seconds.toFixed(0)} s${fsync})`;
  return [
    head,
    ...answered.rows.flatMap((row) => [
      `  ${verdict(row).padEnd(7)} ${resultText(row.result)}  [${goalText(row.goal, unitOf(row.result))}]`,
      `          ${row.subject}${row.baseline === null ? "" : ` / ${row.baseline}`}`,
    ]),
  ];
}

/** The whole of RESULTS.md. */
export function resultsPage(answers: readonly Answered[], machine: readonly string[], how: string): string {
  const lines = [
    "# What safety costs here",
    "",
    `Written by \`${how}\`; do not edit. What is measured and against what is in the files of this folder.`,
    "",
    ...machine.map((line) => `- ${line}`),
    "",
    "Ratios are medians over rounds in which baseline and subject took turns, with their quartiles; whole processes are",
    "started in turns too. The sides are for people: another disk gives other ones. *fsync* is the median of one synced",
    "page in the same run, with its quartiles.",
    "",
  ];
  return [...lines, ...answers.map((answered) => section(answered, null))].join("\n");
}

/** The page with these answers in the place of earlier ones to the same questions, each saying how it came about. */
export function updatedPage(page: string, answers: readonly Answered[], how: string): string {
  let updated = page;
  for (const answered of answers) {
    const text = section(answered, how);
    const start = updated.indexOf(`## ${answered.name}\n`);
    const next = updated.indexOf("\n## ", start);
    if (start === -1) updated += `\n${text}`;
    else updated = updated.slice(0, start) + text + (next === -1 ? "" : updated.slice(next));
  }
  return updated;
}

function section({ name, question, rows, fsyncUs }: Answered, how: string | null): string {
  const fsync = fsyncUs === null ? "" : ` fsync: ${fsyncText(fsyncUs)}.`;
  const own = how === null ? "" : ` Measured by ${how}.`;
  const lines = [`## ${name}`, "", `${question}${fsync}${own}`, ""];
  lines.push("| what | against | result | goal | |", "|---|---|---|---|---|");
  for (const row of rows) {
    const cells = [
      row.subject,
      row.baseline ?? "–",
      resultText(row.result),
      goalText(row.goal, unitOf(row.result)),
      verdict(row),
    ];
    lines.push(`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  }
  return `${lines.join("\n")}\n`;
}

function verdict(row: Row): string {
  if (row.result.type === "not_run") return "not run";
  const met = isMet(row);
  return met === null ? "stated" : met ? "met" : "MISSED";
}

function resultText(result: Result): string {
  switch (result.type) {
    case "ratio": {
      const { median, q1, q3, count } = result.ratio;
      const quartiles = count > 1 ? ` (${q1.toFixed(2)} to ${q3.toFixed(2)}, n=${count})` : "";
      return `${median.toFixed(2)}x${quartiles}: ${result.sides}`;
    }
    case "figure":
      return `${quantity(result.value, result.unit)} (${result.note})`;
    case "not_run":
      return result.reason;
  }
}

function goalText(goal: Goal | null, unit: Unit): string {
  if (goal === null) return "stated";
  return "atMost" in goal
    ? `at most ${quantity(goal.atMost, unit)}`
    : `at least ${quantity(goal.atLeast, unit)}`;
}

function quantity(value: number, unit: Unit): string {
  if (unit === "x") return `${value}x`;
  const rounded = value >= 100 || Number.isInteger(value) ? Math.round(value).toString() : value.toFixed(2);
  return unit === "/s" ? `${rounded}/s` : `${rounded} ${unit}`;
}

function unitOf(result: Result): Unit {
  return result.type === "ratio" ? "x" : result.unit;
}

function fsyncText({ median, q1, q3 }: Spread): string {
  return `${median.toFixed(0)} us (${q1.toFixed(0)} to ${q3.toFixed(0)})`;
}
