import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Agent } from "../agent.ts";
import { configHash } from "../config/hash.ts";
import { type DrillRow, recordDrill } from "../evidence/drills.ts";
import { dayIn } from "../lib/days.ts";
import { assert } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { makeFolder, writeDurably } from "../store/durable-file.ts";
import { renderRecord } from "./record.ts";
import type { Outcome } from "./recorder.ts";

/** Kills are kept under these names too, each the latest of its kind. */
const KILL_TESTS = new Map([
  ["stop-file", ["kill-test-1.md"]],
  ["stop-process", ["kill-test-2.md"]],
  ["systemctl", ["kill-test-3.md"]],
  ["wedge", ["kill-test-4.md"]],
]);

const RECORDS_A_DAY_MAX = 1_000;
const ERROR_CHARS_MAX = 2_000;

/**
 * Writes the record that people read, then the row that refers to it, then tells the log. A crash in between leaves a
 * record without a row, which proves nothing to `afk clock start`.
 */
export async function writeEvidence(agent: Agent, outcome: Outcome): Promise<DrillRow> {
  const { config, version, outbox, rails, log } = agent;
  const { redact } = outbox;
  const { runs } = config.paths;
  makeFolder(runs);
  const file = freeName(runs, `drill-${outcome.name}-${dayIn(outcome.finishedAt, config.timezone)}`);
  const row: DrillRow = {
    id: newId(outcome.finishedAt),
    name: outcome.name,
    passed: outcome.error === null ? 1 : 0,
    version,
    config_hash: configHash(config),
    host: hostname(),
    started_at: outcome.startedAt,
    finished_at: outcome.finishedAt,
    figures: redact(JSON.stringify(outcome.figures)),
    error: outcome.error === null ? null : redact(outcome.error).slice(0, ERROR_CHARS_MAX),
    file,
  };
  const markdown = redact(renderRecord(outcome, row, { agent: config.agent, timezone: config.timezone }));
  for (const name of [file, ...(KILL_TESTS.get(outcome.name) ?? [])])
    writeDurably(join(runs, name), markdown);
  await rails.store.atomically((trx) => recordDrill(trx, row));
  log.event(row.passed === 1 ? "info" : "error", "drill_done", {
    name: row.name,
    passed: row.passed === 1,
    ...(row.error === null ? {} : { error: row.error }),
    figures: outcome.figures,
    file,
  });
  return row;
}

/** Evidence is not written over: a second record of a day gets a number. */
function freeName(runs: string, stem: string): string {
  for (let n = 1; n <= RECORDS_A_DAY_MAX; n++) {
    const name = n === 1 ? `${stem}.md` : `${stem}-${n}.md`;
    if (!existsSync(join(runs, name))) return name;
  }
  assert(false, `more than ${RECORDS_A_DAY_MAX} records of a drill in a day`);
}
