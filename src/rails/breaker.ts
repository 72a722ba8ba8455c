import type { Selectable } from "kysely";
import type { Notice } from "../alerts/outbox.ts";
import { toIso } from "../lib/clock.ts";
import { assert } from "../lib/errors.ts";
import { asSentence, endOfError } from "../lib/text.ts";
import { ownerWords } from "../lib/windows.ts";
import { prepared } from "../store/prepared.ts";
import type { BreakersTable } from "../store/schema/rails.ts";
import type { Db, Trx } from "../store/schema.ts";
import type { BreakerState } from "./breaker-state.ts";
import type { Rails } from "./rails.ts";

/** The breaker of a dependency as it is on disk; one that never failed has no row and is closed. */
export async function readBreaker(db: Db, name: string): Promise<BreakerState> {
  const [row] = (await selectBreaker(db, { name })).rows;
  return row === undefined ? { state: "closed", failures: 0 } : fromRow(row);
}

const selectBreaker = prepared((db, { name }: { name: string }) =>
  db.selectFrom("breakers").selectAll().where("name", "=", name),
);

/** The breakers that have ever counted a failure, by name; at most 1,000. */
export async function listBreakers(db: Db): Promise<{ name: string; state: BreakerState }[]> {
  const rows = await db.selectFrom("breakers").selectAll().orderBy("name").limit(1_000).execute();
  return rows.map((row) => ({ name: row.name, state: fromRow(row) }));
}

/** Writes a breaker's next state, if it is another one, and tells of it when it opens or closes. */
export async function moveBreaker(trx: Trx, rails: BreakerRails, change: BreakerChange): Promise<void> {
  const { name, from, to, nowMs } = change;
  if (to === from || (from.state === "closed" && to.state === "closed" && from.failures === to.failures))
    return;
  const columns = { ...toColumns(to, rails.breaker.cooldownMs), updated_at: nowMs };
  await trx
    .insertInto("breakers")
    .values({ name, ...columns })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(columns))
    .execute();
  const notice = noticeOf(change);
  if (notice !== null) await rails.outbox.announce(trx, { ...notice, subject: name });
}

type BreakerRails = Pick<Rails, "outbox" | "breaker">;

interface BreakerChange {
  name: string;
  from: BreakerState;
  to: BreakerState;
  nowMs: number;
}

/** What is told of a change; null for one that nobody has to know. */
function noticeOf({ name, from, to, nowMs }: BreakerChange): Omit<Notice, "subject"> | null {
  const owner = ownerWords(name);
  if (from.state === "closed" && to.state === "open")
    return {
      event: "breaker_open",
      ...(owner === null
        ? {
            title: `${name} is not called for now`,
            message: `${asSentence(endOfError(to.reason))} No call to it until ${toIso(to.until)}, then one probe. Look: afk status`,
          }
        : {
            title: `${owner} is refused for now`,
            message: `${asSentence(endOfError(to.reason))} No call of it is made until ${toIso(to.until)}; others are not affected. Look: afk status`,
          }),
      occurrence: String(nowMs),
    };
  // The same event as when it opens: one incident lasts until calls go on.
  if (to.state === "blocked")
    return {
      event: "breaker_open",
      title: `${name} is refused until you resume`,
      message: `${asSentence(endOfError(to.reason))} Time does not heal that, so no call to it is made until: afk resume. Look: afk status`,
      occurrence: String(to.since),
    };
  if (from.state === "closed" || to.state !== "closed") return null;
  const ofTime = owner === null ? "A probe was answered" : "Its time is over";
  const why = from.state === "blocked" ? "Cleared by a person" : ofTime;
  return {
    event: "breaker_closed",
    title: owner === null ? `${name} works again` : `${owner} may ask again`,
    message: `${why}; calls go on. Nothing is to be done. Look: afk status`,
    occurrence: String(nowMs),
  };
}

/** Lets what was blocked be called again, confirmed by a person. Returns the names. */
export async function clearBlocked(trx: Trx, rails: BreakerRails, nowMs: number): Promise<string[]> {
  const found = (await listBreakers(trx)).filter(({ state }) => state.state === "blocked");
  for (const { name, state: from } of found)
    await moveBreaker(trx, rails, { name, from, to: { state: "closed", failures: 0 }, nowMs });
  return found.map(({ name }) => name);
}

/** When the first of these breakers lets a probe through; null where one of them is closed, or none says when. */
export async function probeAt(db: Db, names: readonly string[]): Promise<number | null> {
  const times: number[] = [];
  for (const name of names) {
    const state = await readBreaker(db, name);
    if (state.state === "closed") return null;
    if ("until" in state) times.push(state.until);
  }
  return times.length === 0 ? null : Math.min(...times);
}

/**
 * Lets the probe of open breakers through at `atMs` at the latest: whoever waits for it gives up then, and should know.
 * What a provider has asked for itself (429) is not cut short: it is another wait than the breaker's own.
 */
export async function probeBy(trx: Trx, names: readonly string[], atMs: number): Promise<void> {
  await trx
    .updateTable("breakers")
    .set({ until: atMs })
    .where("name", "in", names)
    .where("state", "=", "open")
    .where("until", ">", atMs)
    .where((eb) => eb(eb("until", "-", eb.ref("updated_at")), "<=", eb.ref("cooldown_ms")))
    .execute();
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
    case "blocked":
      // Nothing but its end changes such a row.
      return { state: "blocked", since: row.updated_at, reason: row.reason ?? "" };
  }
}

function toColumns(state: BreakerState, cooldownMs: number): Omit<BreakersTable, "name" | "updated_at"> {
  return {
    state: state.state,
    failures: "failures" in state ? state.failures : 0,
    until: "until" in state ? state.until : null,
    cooldown_ms: "cooldownMs" in state ? state.cooldownMs : cooldownMs,
    probe: "probe" in state ? state.probe : null,
    reason: "reason" in state ? state.reason.slice(0, 500) : null,
  };
}
