import { systemClock } from "../../lib/clock.ts";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { createDeferred } from "../deferred.ts";
import { fleetNowMs } from "../now.ts";
import { executePreparedBy } from "../prepared.ts";
import type { Store } from "../store.ts";
import { followChanges } from "./changes.ts";
import { acceptDatabaseClock, checkClock, databaseClock } from "./clock.ts";
import { refuseClosed } from "./closed.ts";
import { coalesce } from "./coalesce.ts";
import { forgetCommits } from "./commit.ts";
import { aloneOn, openKysely } from "./dialect.ts";
import { explain, StoreUnreachable } from "./errors.ts";
import { checkOrigin, type Judge } from "./failover.ts";
import { makeFleetTables } from "./fleet-tables.ts";
import { refuseAtGate, refuseNewer } from "./levels.ts";
import { BLANK, MarkFile } from "./mark.ts";
import { migrate } from "./migrate.ts";
import { Pool } from "./pool.ts";
import { createSections } from "./sections.ts";
import { Session } from "./session.ts";
import { describe } from "./where.ts";

/** How long a section that nobody waits for does so for another one. */
const SOON_MS = 2;

interface OpenOptions {
  patienceMs?: number | undefined;
  /** The folder of this machine's state, where it remembers what the database has acknowledged. */
  state?: string;
  /** For tests of the tests. */
  judge?: Judge;
}

/**
 * Opens (and if need be creates and migrates) the agent's schema of a database. A section that cannot be had in `patienceMs` is
 * given up.
 * @throws StoreRefused, StoreUnreachable (exit 69).
 */
export async function openPostgresStore(
  target: DatabaseTarget,
  { patienceMs, state, judge }: OpenOptions = {},
): Promise<Store> {
  const where = describe(target);
  let writer: Session;
  try {
    writer = await Session.open(target);
  } catch (error) {
    throw explain(error, where);
  }
  const clock = databaseClock();
  try {
    await migrate(writer, target);
    if (target.hasFleetCap === true) await makeFleetTables(writer);
    const alone = aloneOn(writer);
    await refuseClosed(alone, where);
    clock.begin(await fleetNowMs(alone));
  } catch (error) {
    await writer.close();
    throw explain(error, where);
  }
  const mark = state === undefined ? null : new MarkFile(state);
  // Made before this machine takes part in anything: later it would be missing.
  mark?.read();
  const listeners: (() => Promise<void>)[] = [];
  let atGate = { uptimeMs: 0, isFound: false };
  /** What ended processes have left to be asked for; looked at once. */
  let hasForgotten = false;
  const hinted = new Set<() => void>();
  const listen = () =>
    writer.listen(() => {
      changes.forget();
      for (const look of hinted) look();
    });
  const sections = createSections({
    where,
    ...(patienceMs !== undefined && { patienceMs }),
    async session() {
      if (!writer.isLost()) return writer;
      writer = await Session.open(target);
      listen();
      return writer;
    },
    async onGate(trx, gate) {
      refuseAtGate(gate);
      if (!hasForgotten) await forgetCommits(trx);
      hasForgotten = true;
      const uptimeMs = systemClock.uptimeMs();
      const reading = mark?.read() ?? { mark: BLANK, problem: null };
      const hasJumped = await checkClock(trx, gate, reading.mark);
      const origin = await checkOrigin(trx, gate, reading, judge);
      clock.read(gate);
      atGate = { uptimeMs, isFound: hasJumped || origin === "failover" };
      return hasJumped || origin !== null;
    },
    async onCommit({ found, epoch, generation, nowMs }, isBought) {
      const { uptimeMs, isFound } = atGate;
      const origin = { ...found, epoch, generation };
      await mark?.raise({ ...origin, at: nowMs, uptimeMs, bootId: systemClock.bootId() }, isBought);
      if (isFound) for (const tell of listeners) void tell();
    },
  });
  const pool = new Pool(target);
  const db = openKysely({
    take: () => pool.take(),
    giveBack: (session) => pool.giveBack(session as Session),
    begin: async (session) => void (await (session as Session).begin("")),
    commit: (session) => (session as Session).commit(),
    rollback: (session) => (session as Session).rollback(),
  });
  // Where no section runs, its session is free, and a process that idles needs no other one.
  const onFree = <T>(work: (session: Session) => Promise<T>) => sections.aside(work) ?? pool.run(work);
  executePreparedBy(db, (query) => onFree((session) => session.executeQuery(query)));
  const latest = db.withoutPlugins();
  executePreparedBy(
    latest,
    coalesce((query) => pool.run((session) => session.executeQuery(query))),
  );
  const changes = followChanges({
    schema: target.schema,
    onSession: onFree,
    ownUpTo: sections.ownUpTo,
    where,
  });
  listen();
  const later = createDeferred(SOON_MS);
  return {
    db,
    latest,
    pages: db,
    atomically(work) {
      later.startAll();
      return sections.run(work);
    },
    atomicallySoon: (work) => later.defer(() => sections.run(work)),
    changes,
    onHint(listener) {
      hinted.add(listener);
      return () => void hinted.delete(listener);
    },
    setPatience(patienceMs) {
      sections.setPatience(patienceMs);
      const message = `${where} has not answered for too long`;
      pool.refuse(patienceMs === 0 ? new StoreUnreachable(message) : null);
    },
    clockOver: clock.over,
    async acceptClock(trx, how) {
      const accepted = await acceptDatabaseClock(trx, how);
      if (accepted !== null) clock.set(accepted);
    },
    health: {
      refuseBroken() {
        // A server tells each statement of its own trouble, and keeps what it has acknowledged.
      },
      // It has no page of its own to read.
      refuseDamage: async () => undefined,
      // What counts of its tables is looked at by their owner; that they are not newer is asked again, since others migrate.
      refuseForeign: async () => void (await refuseNewer(db, target.schema)),
      // Each machine derives the counters again once a day, and after a crash.
      isLarge: () => true,
      onEvent: (tell) => void listeners.push(tell),
      // The server does so by itself.
      shrink: async () => 0,
      files: [],
      replaced: () => null,
    },
    async close() {
      later.startAll();
      await sections.close();
      mark?.close();
      await Promise.all([pool.close(), writer.close()]);
    },
  };
}
