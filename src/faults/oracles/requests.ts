import { HOUR_MS } from "../../lib/durations.ts";
import { type Caps, WINDOWS } from "../../lib/windows.ts";
import { type Entry, SELECT_ENTRIES } from "./counters.ts";
import type { Report } from "./invariant.ts";
import type { Bill } from "./ledger.ts";
import type { Reader } from "./reader.ts";

/** What is known besides the database, at the moment a request arrives. */
interface Circumstances {
  /** The caps as the person has set them. */
  caps: Caps;
  wallMs: number;
  elapsedMs: number;
  /** Since when there has been a STOP file; null for none. */
  stopFileAtMs: number | null;
  isConfigBroken: boolean;
}

/** A ledger entry, with the step that it is for. */
type StepEntry = Entry & { step: string | null };

/**
 * Reads the database the moment a request has reached a model: before it, everything must have been settled and on disk.
 * Gives the ledger entry that the request was made under; null where there is none.
 */
export function checkRequest(
  reader: Reader,
  bill: Bill,
  now: Circumstances,
  isBilled: (entryId: string) => boolean,
  report: Report,
): string | null {
  if (now.isConfigBroken)
    report("closed", `${bill.model} was called although the configuration must be refused`);
  if (now.stopFileAtMs !== null && now.stopFileAtMs < now.elapsedMs)
    report(
      "kill",
      `${bill.model} was called ${now.elapsedMs - now.stopFileAtMs} ms after the STOP file was made`,
    );
  const row = reader.one<{ set_at: number | null }>("select set_at from kill_switch where id = 1");
  if (row === undefined || (row.set_at !== null && row.set_at !== now.wallMs))
    report("kill", `${bill.model} was called with the kill switch set in the database`);

  const entry = reader
    .all<StepEntry>(
      `${SELECT_ENTRIES.replace("from", ", step from")}
       where request_hash = ? and model = ? and state = 'sending' order by rowid desc`,
      bill.requestHash,
      bill.model,
    )
    .find(({ id }) => !isBilled(id));
  if (entry === undefined) {
    report("gates", `${bill.model} was called, and no reservation on disk says that it would be`);
    return null;
  }
  checkBreaker(reader, bill, entry, report);
  checkCaps(reader, entry, now.caps, report);
  const bought = reader.one(
    "select 1 from steps join jobs on jobs.id = steps.job_id where jobs.key = ? and steps.name = ?",
    entry.job,
    entry.step,
  );
  if (bought !== undefined)
    report(
      "replay",
      `step ${entry.step} of job ${entry.job} was asked again although its answer was recorded`,
    );
  return entry.id;
}

function checkBreaker(reader: Reader, { model }: Bill, entry: StepEntry, report: Report): void {
  const breaker = reader.one<{ state: string; probe: string | null }>(
    "select state, probe from breakers where name = ?",
    `model:${model}`,
  );
  const isProbe = breaker?.state === "half_open" && breaker.probe === entry.id;
  const isShut = breaker !== undefined && breaker.state !== "closed" && !isProbe;
  if (isShut) report("gates", `${model} was called although its breaker is ${breaker.state}`);
}

/** Sums over the whole ledger, without the counters that the agent keeps. */
function checkCaps(reader: Reader, entry: StepEntry, caps: Caps, report: Report): void {
  const cost = "case state when 'settled' then cost_micros when 'released' then 0 else estimate_micros end";
  const hourAgo = new Date(Date.parse(`${entry.minute}:00Z`) - HOUR_MS).toISOString().slice(0, 16);
  for (const { name: window, column } of WINDOWS) {
    const [cap, period] = [caps[`${window}_micros`], entry[column]];
    if (cap === undefined || period === null) continue;
    const charged = reader.one<{ micros: number }>(
      `select coalesce(sum(${cost}), 0) as micros from ledger where ${column} between ? and ?`,
      window === "hour" ? hourAgo : period,
      period,
    );
    const micros = charged?.micros ?? 0;
    if (micros > cap || cap === 0)
      report(
        "cap",
        `a call was made with ${micros} of the ${window}'s ${cap} micro-dollars spent or reserved`,
      );
  }
}
