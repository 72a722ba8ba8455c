import type { Selectable } from "kysely";
import type { Announce } from "../alerts/outbox.ts";
import { toIso } from "../lib/clock.ts";
import { assert } from "../lib/errors.ts";
import { asSentence } from "../lib/text.ts";
import { prepared } from "../store/prepared.ts";
import type { BreakersTable, Db, Trx } from "../store/schema.ts";
import type { BreakerState } from "./breaker-state.ts";

/** The breaker of a dependency as it is on disk; one that never failed has no row and is closed. */
export async function readBreaker(db: Db, name: string): Promise<BreakerState> {
  const [row] = (await selectBreaker(db, { name })).rows;
  return row === undefined ? { state: "closed", failures: 0 } : fromRow(row);
}

const selectBreaker = prepared((db, { name }: { name: string }) =>
  db.selectFrom("breakers").selectAll().where("name", "=", name),
);

export async function listBreakers(db: Db): Promise<{ name: string; state: BreakerState }[]> {
  const rows = await db.selectFrom("breakers").selectAll().orderBy("name").limit(1_000).execute();
  return rows.map((row) => ({ name: row.name, state: fromRow(row) }));
}

/** Writes a breaker's next state, if it is another one, and tells of it when it opens or closes. */
export async function moveBreaker(
  trx: Trx,
  announce: Announce,
  name: string,
  change: { from: BreakerState; to: BreakerState },
  nowMs: number,
  cooldownMs: number,
): Promise<void> {
  const { from, to } = change;
  if (to === from || (from.state === "closed" && to.state === "closed" && from.failures === to.failures))
    return;
  const columns = { ...toColumns(to, cooldownMs), updated_at: nowMs };
  await trx
    .insertInto("breakers")
    .values({ name, ...columns })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(columns))
    .execute();
  if (from.state === "closed" && to.state === "open") await tellOpen(announce, name, to, nowMs);
  if (from.state !== "closed" && to.state === "closed") await tellClosed(announce, name, nowMs);
}

function fromRow(row: Selectable<BreakersTable>): BreakerState {
  switch (row.state) {
    case "closed":
      return { state: "closed", failures: row.failures };
    case "open":
      assert(row.until !== null, `breaker ${row.name} is open without an end`);
      return { state: "open", until: row.until, cooldownMs: row.cooldown_ms, reason: row.reason ?? "" };
    case "half_open":
      assert(row.until !== null && row.probe !== null, `breaker ${row.name} is half open without a probe`);
      return { state: "half_open", until: row.until, cooldownMs: row.cooldown_ms, probe: row.probe };
  }
}

function toColumns(state: BreakerState, cooldownMs: number): Omit<BreakersTable, "name" | "updated_at"> {
  return {
    state: state.state,
    failures: state.state === "closed" ? state.failures : 0,
    until: state.state === "closed" ? null : state.until,
    cooldown_ms: state.state === "closed" ? cooldownMs : state.cooldownMs,
    probe: state.state === "half_open" ? state.probe : null,
    reason: state.state === "open" ? state.reason.slice(0, 500) : null,
  };
}

async function tellOpen(
  announce: Announce,
  name: string,
  state: BreakerState & { state: "open" },
  nowMs: number,
): Promise<void> {
  await announce({
    event: "breaker_open",
    title: `${name} is left alone`,
    message: `${asSentence(state.reason)} No call to it until ${toIso(state.until)}, then one probe. Look: afk status`,
    key: `breaker_open:${name}:${nowMs}`,
  });
}

async function tellClosed(announce: Announce, name: string, nowMs: number): Promise<void> {
  await announce({
    event: "breaker_closed",
    title: `${name} works again`,
    message: "A probe was answered; calls go on. Nothing is to be done. Look: afk status",
    key: `breaker_closed:${name}:${nowMs}`,
  });
}
