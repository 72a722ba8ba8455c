import { pause, systemClock } from "../../lib/clock.ts";
import type { Trx } from "../schema.ts";
import { collectAfterCommit } from "../store.ts";
import { isCertain } from "./commit.ts";
import { sectionOf, within } from "./dialect.ts";
import { CommitUnknown, explain, isAway, isWorthAgain, StoreUnreachable } from "./errors.ts";
import { type AtGate, GATE, readGate } from "./gate.ts";
import type { Session } from "./session.ts";

/** So many sections at most share a commit: other machines wait for the gate meanwhile. */
const SECTIONS_MAX = 64;
/** How long a section asks again while the database is away or others keep it: as long as a job's lease. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 50;

interface Waiting {
  work: (trx: Trx) => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** A section that has run: what it gave, or why it failed, and what is to be done once it is on the disk. */
type Ran =
  | { waiting: Waiting; value: unknown; hooks: readonly (() => void)[] }
  | { waiting: Waiting; error: unknown };

/** How sections of a process reach the database. */
export interface SectionsOptions {
  /** The session that sections have for themselves; another one where the last was lost. */
  session(): Promise<Session>;
  /**
   * Runs first in every transaction, with what it found at the gate; it refuses by throwing. Gives whether it wrote anything, which
   * then commits whatever becomes of the sections.
   */
  onGate(trx: Trx, gate: AtGate): Promise<boolean>;
  /** Awaited once a transaction is on the disk, before any of its sections is told so. */
  onCommit(gate: AtGate): Promise<void>;
  /** The database in words, without its password. */
  where: string;
  patienceMs?: number;
}

/**
 * Sections of one process: one after the other behind the gate. Those that wait when one has ended join its transaction, each in a
 * savepoint, and share its commit: one that fails is rolled back alone.
 */
export function createSections({
  session,
  onGate,
  onCommit,
  where,
  patienceMs = PATIENCE_MS,
}: SectionsOptions) {
  const queue: Waiting[] = [];
  let running: Promise<void> | null = null;
  /** Transactions that have committed: generations that are this process's own. */
  let own = 0;

  async function drain(): Promise<void> {
    while (queue.length > 0) await batch();
    // In the same turn as the last look at the queue: what comes a moment later starts another.
    running = null;
  }

  /** Runs what waits, and again as long as nothing of it happened and it may help. */
  async function batch(): Promise<void> {
    const taken: Waiting[] = [];
    const giveUpAtMs = systemClock.uptimeMs() + patienceMs;
    for (;;) {
      try {
        const ran = await transact(taken, giveUpAtMs);
        for (const each of ran) settle(each, where);
        return;
      } catch (error) {
        const isOver = systemClock.uptimeMs() >= giveUpAtMs;
        if (isOver || error instanceof CommitUnknown || !(isWorthAgain(error) || isAway(error))) {
          for (const { reject } of taken) reject(explain(error, where));
          return;
        }
      }
      await pause(RETRY_MS).over;
    }
  }

  /** One transaction: the sections of `taken`, which it adds to, and their commit. */
  async function transact(taken: Waiting[], giveUpAtMs: number): Promise<Ran[]> {
    // A batch that failed before any section was taken fails for the one that asked for it.
    if (taken.length === 0) taken.push(...queue.splice(0, 1));
    const connection = await session();
    const gate = await passGate(connection);
    const ran: Ran[] = [];
    try {
      await within(connection, async (root) => {
        const wrote = await onGate(sectionOf(root, connection), gate);
        for (let at = 0; ; at++) {
          if (at === taken.length && at < SECTIONS_MAX) taken.push(...queue.splice(0, 1));
          const waiting = taken[at];
          if (waiting === undefined) return;
          const isSaved = wrote || ran.length > 0;
          ran.push(await runOne(connection, sectionOf(root, connection), waiting, isSaved));
          // Without a savepoint of its own, what the first wrote goes with the whole transaction.
          const [first] = ran;
          if (!isSaved && first !== undefined && "error" in first) {
            taken.splice(1);
            throw new FirstFailed();
          }
        }
      });
    } catch (error) {
      await connection.rollback().catch(() => connection.close().catch(() => undefined));
      if (error instanceof FirstFailed) return ran;
      throw error;
    }
    await commit(connection, gate, giveUpAtMs);
    own += 1;
    await onCommit(gate);
    return ran;
  }

  /** Begins a transaction. */
  async function passGate(connection: Session): Promise<AtGate> {
    const answer = await connection.begin("isolation level read committed", ...GATE);
    try {
      return readGate(answer, where);
    } catch (error) {
      await connection.rollback();
      throw error;
    }
  }

  async function commit(connection: Session, gate: AtGate, giveUpAtMs: number): Promise<void> {
    try {
      if (await isCertain(connection)) return;
    } catch (error) {
      if (!isAway(error)) throw error;
      await connection.close().catch(() => undefined);
    }
    await settleUnknown(gate, giveUpAtMs);
  }

  /**
   * Finds out whether a transaction whose commit was not answered has happened. Asked by a transaction that writes: its own
   * commit waits for what the first one's should have waited for. @throws CommitUnknown where it cannot be asked, and an error that
   * is worth another try where it did not happen.
   */
  async function settleUnknown(gate: AtGate, giveUpAtMs: number): Promise<void> {
    for (;;) {
      try {
        if (await hasHappened(gate)) return;
        throw new NotCommitted(`a commit of ${where} did not happen`);
      } catch (error) {
        if (error instanceof CommitUnknown || error instanceof NotCommitted) throw error;
        if (systemClock.uptimeMs() >= giveUpAtMs) {
          const message = `${where} went away when a commit was asked for, and what became of it is not known`;
          throw new CommitUnknown(message, { cause: error });
        }
      }
      await pause(RETRY_MS).over;
    }
  }

  /** @throws CommitUnknown where this is not the database in which the commit was asked for, and anything else where it cannot be told now. */
  async function hasHappened({ found, xid, generation }: AtGate): Promise<boolean> {
    const connection = await session();
    const at = await passGate(connection);
    let hasCommitted: boolean;
    try {
      if (at.found.systemId !== found.systemId || at.found.timeline !== found.timeline)
        throw new CommitUnknown(
          `${where} is another one since a commit was asked for, and what became of that is not known`,
        );
      const { rows } = await connection.client.query("select pg_xact_status($1::text::xid8) as status", [
        xid,
      ]);
      hasCommitted = rows[0]?.status === "committed";
      // In an older copy of the database another transaction has that id, and what this one raised is missing.
      if (hasCommitted && at.generation <= generation)
        throw new CommitUnknown(`${where} is an older copy since a commit was asked for`);
    } catch (error) {
      await connection.rollback().catch(() => connection.close().catch(() => undefined));
      throw error;
    }
    if (!(await isCertain(connection)))
      throw new StoreUnreachable(`${where} has committed, and may have told no standby of it`);
    own += 1;
    return hasCommitted;
  }

  return {
    run<T>(work: (trx: Trx) => Promise<T>): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      queue.push({ work, resolve, reject });
      running ??= drain();
      return promise as Promise<T>;
    },
    /** How many generations were this process's own. */
    own: () => own,
    /** Resolves when no section is running or waiting. */
    async idle(): Promise<void> {
      while (running !== null) await running;
    },
  };
}

/** The only section of its transaction so far failed: all of it is rolled back, and nothing is tried again. */
class FirstFailed extends Error {}

/** It did not happen, as was found out: the sections run again. */
class NotCommitted extends StoreUnreachable {}

const SAVEPOINT = "savepoint section";
const RELEASE = "release savepoint section";

/** @throws what ends the whole transaction: a lost connection, a lock that was waited for too long. */
async function runOne(connection: Session, trx: Trx, waiting: Waiting, isSaved: boolean): Promise<Ran> {
  const hooks = collectAfterCommit(trx);
  if (isSaved) await connection.client.query(SAVEPOINT);
  connection.takeRefusal();
  try {
    const value = await waiting.work(trx);
    // One that went on all the same has written nothing since: it cannot be kept.
    const refused = connection.takeRefusal();
    if (refused !== null) throw refused;
    if (isSaved) await connection.client.query(RELEASE);
    return { waiting, value, hooks };
  } catch (error) {
    if (connection.isLost() || isAway(error) || isWorthAgain(error)) throw error;
    if (isSaved) await connection.client.query(`rollback to ${SAVEPOINT.slice(10)}; ${RELEASE}`);
    return { waiting, error };
  }
}

function settle(ran: Ran, where: string): void {
  if ("error" in ran) ran.waiting.reject(explain(ran.error, where));
  else {
    for (const hook of ran.hooks) hook();
    ran.waiting.resolve(ran.value);
  }
}
