import { formatRelative } from "../../lib/duration-text.ts";
import { shortId } from "../../lib/ids.ts";
import { formatUsd } from "../../lib/money.ts";
import { formatAmount } from "../../lib/windows.ts";
import { momentText, shortMomentText } from "../../lib/zone.ts";
import type { JobView } from "../../ops/jobs.ts";
import type { JobDetail } from "../../ops/show-job.ts";
import { fieldLines, quotedLines } from "../draft-lines.ts";
import { oneLine, terminalColumns } from "../output.ts";
import { COLUMNS } from "../text.ts";

/** For whom instants are written. */
interface When {
  nowMs: number;
  timezone: string;
}

/** Lines of what a program wrote, the last of each stream. */
const WRITTEN_LINES_MAX = 40;
const WRITTEN_CHARS_MAX = 8_000;
const STEPS_MAX = 10;

/** Which run of its job it is: its time by the schedule, "by hand" with when, or the key that somebody chose. */
export function runText(
  { key, name, slotAt, createdAt, byHand }: Pick<JobView, "key" | "name" | "slotAt" | "createdAt" | "byHand">,
  { timezone, nowMs }: When,
): string {
  const isOfSchedule = key.startsWith(`${name}@`);
  if (!isOfSchedule) return key;
  const at = shortMomentText(Date.parse(byHand ? createdAt : slotAt), timezone, nowMs);
  return byHand ? `${at} by hand` : at;
}

/** A run as people read it: what became of it, what it cost, where its files and its trace are, and what it wrote. */
export function jobLines(job: JobDetail, when: When): string[] {
  const { wrote, result } = job;
  const columns = terminalColumns() ?? COLUMNS;
  return [
    ...fieldLines(fieldsOf(job, when), columns),
    ...fieldLines(
      [
        ["result", result === null ? null : result.title],
        ["", result?.counts ?? null],
      ],
      columns,
    ),
    ...(wrote === null ? [] : writtenLines(wrote, columns)),
    ...fieldLines([["trace", `afk logs --job ${shortId(job.id)}`]], columns),
  ];
}

function fieldsOf(job: JobDetail, when: When): [string, string | null][] {
  const { outputs, steps, calls } = job;
  const moment = (iso: string) =>
    `${momentText(Date.parse(iso), when.timezone)} (${formatRelative(Date.parse(iso), when.nowMs)})`;
  return [
    ["job", `${job.name}, kind ${job.kind}`],
    ["run", runText(job, when)],
    ["key", job.key],
    ["id", job.id],
    [
      "state",
      job.state === "ready" ? `ready, due ${moment(job.runAt)}` : `${job.state}, ${moment(job.updatedAt)}`,
    ],
    ["attempts", `${job.attempts} of ${job.maxAttempts}`],
    ["error", job.error === null ? null : oneLine(job.error)],
    ["calls", callsText(calls)],
    ...job.grants.map(({ window, amount, extra }): [string, string] => [
      "granted",
      `${formatAmount(amount, extra)} more than the ${window === "job" ? "run" : window} cap of its job`,
    ]),
    ["units", String(job.units)],
    ["payload", job.payload === "null" ? null : job.payload],
    ...job.deliveries.map(({ receiver, state, error }): [string, string] => [
      "sent to",
      `${receiver}: ${state}${error === null ? "" : ` (${oneLine(error)})`}`,
    ]),
    ...outputs.map((name): [string, string] => ["file", `out/${name}`]),
    ...(steps.length === 0 ? [] : [["steps", stepsText(steps.map(({ name }) => name))] as [string, string]]),
    ["to do", todo(job)],
  ];
}

/** `4 fetch, ratings, 5 article, 6 item`: what follows the colon of a name tells the steps of a sort apart. */
function stepsText(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) {
    const sort = name.replace(/:(?:\d+|[0-9a-f]{16,})$/, "");
    counts.set(sort, (counts.get(sort) ?? 0) + 1);
  }
  const sorts = [...counts].map(([sort, count]) => (count === 1 ? sort : `${count} ${sort}`));
  const unseen = sorts.length - STEPS_MAX;
  return `${sorts.slice(0, STEPS_MAX).join(", ")}${unseen > 0 ? ` and ${unseen} more` : ""}`;
}

function todo({ state, id }: JobDetail): string | null {
  if (state !== "dead") return null;
  return `afk dead retry ${shortId(id)}, or afk dead drop ${shortId(id)}`;
}

function callsText({ count, settledMicros, reservedMicros, unknown }: JobDetail["calls"]): string {
  if (count === 0) return "none to a model";
  const reserved = reservedMicros === 0 ? "" : `, ${formatUsd(reservedMicros)} reserved`;
  const lost = unknown === 0 ? "" : `, ${unknown} of unknown cost: afk ledger list --unknown`;
  return `${count}, ${formatUsd(settledMicros)}${reserved}${lost}`;
}

function writtenLines({ stdout, stderr, isCut }: NonNullable<JobDetail["wrote"]>, columns: number): string[] {
  const streams = [
    ["output", stdout],
    ["stderr", stderr],
  ] as const;
  return [
    ...streams.flatMap(([label, text]) => {
      const lines = text.trimEnd().split("\n");
      if (text.trim() === "") return label === "output" ? fieldLines([[label, "nothing"]], columns) : [];
      const before = lines.length - WRITTEN_LINES_MAX;
      const head =
        before > 0 ? `the last ${WRITTEN_LINES_MAX} of ${lines.length} lines; --json has more` : "";
      const shown = lines.slice(-WRITTEN_LINES_MAX).join("\n").slice(-WRITTEN_CHARS_MAX);
      return [...fieldLines([[label, head]], columns), ...quotedLines(shown, columns)];
    }),
    ...(isCut ? fieldLines([["", "it wrote more than is kept (max_output_kb of afk.yaml)"]], columns) : []),
  ];
}
