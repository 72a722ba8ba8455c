import { MINUTE_MS } from "../lib/durations.ts";
import { AfkError } from "../lib/errors.ts";
import type { Trx } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { Uses } from "./dependencies.ts";

/** What takes several sections, and is done by one machine of a fleet at a time. What takes one needs no more than that. */
type ChoreName = "retention";

/** Longer than any step of a chore; one that has taken longer than that is done by another machine. */
const LEASE_MS = MINUTE_MS;

/** Another machine has taken the chore: what this step wrote is rolled back. */
class ChoreLost extends AfkError {
  constructor(name: ChoreName) {
    super("chore_lost", `another machine does ${name} by now; what this one had left of it was dropped`, {
      retry: "later",
    });
  }
}

/**
 * Does what one machine at a time may do, with a store whose sections refuse once another has the chore since this one was
 * suspended for so long. Where no other machine can be, with the store itself. What was done meanwhile is for the work to look at.
 * @returns what the work gave; undefined where another machine is at it.
 */
export async function withChore<T>(
  { config, store, clock }: Uses<"config" | "store" | "clock">,
  { name, runner }: { name: ChoreName; runner: string },
  work: (store: Store) => Promise<T>,
): Promise<T | undefined> {
  if (config.database === null) return await work(store);
  const nowMs = () => clock.nowMs();
  const token = await store.atomically((trx) => take(trx, name, runner, nowMs()));
  if (token === null) return undefined;
  const looking =
    <Result>(section: (trx: Trx) => Promise<Result>) =>
    async (trx: Trx) => {
      await keep(trx, name, token, nowMs() + LEASE_MS);
      return await section(trx);
    };
  const own: Store = {
    ...store,
    atomically: (section) => store.atomically(looking(section)),
    atomicallySoon: (section) => store.atomicallySoon(looking(section)),
  };
  try {
    return await work(own);
  } finally {
    await store.atomically((trx) => giveUp(trx, name, token));
  }
}

/** Gives the token; null where somebody else is at it. */
async function take(trx: Trx, name: ChoreName, runner: string, nowMs: number): Promise<number | null> {
  const row = await trx.selectFrom("chores").selectAll().where("name", "=", name).executeTakeFirst();
  if (row !== undefined && row.until > nowMs) return null;
  const taken = { runner, token: (row?.token ?? 0) + 1, until: nowMs + LEASE_MS };
  await trx
    .insertInto("chores")
    .values({ name, ...taken })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(taken))
    .execute();
  return taken.token;
}

/** @throws ChoreLost */
async function keep(trx: Trx, name: ChoreName, token: number, until: number): Promise<void> {
  const kept = await trx
    .updateTable("chores")
    .set({ until })
    .where("name", "=", name)
    .where("token", "=", token)
    .executeTakeFirst();
  if (kept.numUpdatedRows !== 1n) throw new ChoreLost(name);
}

async function giveUp(trx: Trx, name: ChoreName, token: number): Promise<void> {
  await trx
    .updateTable("chores")
    .set({ until: 0 })
    .where("name", "=", name)
    .where("token", "=", token)
    .execute();
}
