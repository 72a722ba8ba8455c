import * as v from "valibot";
import type { AsideContext } from "../../programs/run-aside.ts";
import { runForSource } from "../run-for-source.ts";
import { type Level, type LogLine, levelOfPriority } from "./line.ts";

const JOURNAL_MS_MAX = 120_000;
const HINT = "; afk's user must be in the group systemd-journal, and journalctl be installed";
/** A line of JSON has about 600 bytes beside its message. */
const BYTES_PER_MB = 4 * 1_048_576;
const OUTPUT_BYTES_MAX = 64 * 1_048_576;
const PRIORITIES: Record<Level, string> = {
  critical: "2",
  error: "3",
  warning: "4",
  notice: "5",
  info: "6",
  debug: "7",
};

/** Where to begin: behind an entry, or at an instant. */
export type JournalPosition = { cursor: string } | { sinceMs: number };

const entry = v.object({
  __CURSOR: v.string(),
  __REALTIME_TIMESTAMP: v.optional(v.string()),
  PRIORITY: v.optional(v.string(), "6"),
  // Bytes where they are no UTF-8; several where an entry has the field twice.
  MESSAGE: v.optional(v.nullable(v.union([v.string(), v.array(v.unknown())]))),
});

/**
 * Reads the journal by `journalctl`, and gives where it stopped.
 * @throws SourceUnreadable where there is none, or afk may not read it.
 */
export async function readJournal(
  {
    journal,
    directory,
    level,
    maxMb,
  }: { journal: string; directory: string | undefined; level: Level | undefined; maxMb: number },
  { from, context }: { from: JournalPosition; context: AsideContext },
  onLine: (line: LogLine) => void,
): Promise<{ position: JournalPosition; notes: string[] }> {
  const command = [
    "journalctl",
    "--output=json",
    "--output-fields=MESSAGE,PRIORITY",
    "--no-pager",
    "--quiet",
    ...(journal === "*" ? [] : [`--unit=${journal}`]),
    ...(directory === undefined ? [] : [`--directory=${directory}`]),
    ...(level === undefined ? [] : [`--priority=${PRIORITIES[level]}`]),
    "cursor" in from ? `--after-cursor=${from.cursor}` : `--since=@${Math.floor(from.sinceMs / 1_000)}`,
  ];
  const outputBytesMax = Math.min(OUTPUT_BYTES_MAX, maxMb * BYTES_PER_MB);
  const limits = { cwd: "/", outputBytesMax, timeoutMs: JOURNAL_MS_MAX };
  const stdout = await runForSource(context, { command, ...limits }, HINT);
  const lines = stdout.text.split("\n");
  // The last of them is empty, or was cut.
  lines.pop();
  let position: JournalPosition = from;
  for (const line of lines) {
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), entry), line);
    if (!read.success) continue;
    const {
      __CURSOR: cursor,
      __REALTIME_TIMESTAMP: micros,
      PRIORITY: priority,
      MESSAGE: message,
    } = read.output;
    position = { cursor };
    onLine({
      text: textOf(message ?? ""),
      level: levelOfPriority(Number(priority)),
      timeMs: micros === undefined ? null : Math.floor(Number(micros) / 1_000),
    });
  }
  return { position, notes: stdout.isCut ? ["the journal has more, which the next run reads (max_mb)"] : [] };
}

function textOf(message: string | unknown[]): string {
  if (typeof message === "string") return message;
  if (message.every((byte) => typeof byte === "number")) return Buffer.from(message).toString("utf8");
  return message.filter((each) => typeof each === "string").join(" ");
}
