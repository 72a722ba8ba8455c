import { afterUnref, pause, systemClock } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import type { Trx } from "../schema.ts";
import { isCertain } from "./commit.ts";
import { sectionOf, within } from "./dialect.ts";
import { CommitUnknown, closed, explain, isAway, isWorthAgain, StoreUnreachable } from "./errors.ts";
import { type AtGate, GATE, gateOf, readGate } from "./gate.ts";
import { type Ran, runOne, settle, type Waiting } from "./section.ts";
import type { Session } from "./session.ts";

/** So many sections at most share a commit: other machines wait for the gate meanwhile. */
const SECTIONS_MAX = 64;
/** How long a section asks again while the database is away or others keep it: as long as a job's lease. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 50;

/** How sections of a process reach the database. */
export interface SectionsOptions {
  /** The session that sections have for themselves; another one where the last was lost. */
  session(): Promise<Session>;
  /**
   * Runs first in every transaction, with what it found at the gate; it refuses by throwing. Gives whether it wrote anything, which
   * then commits whatever becomes of the sections.
   */
  onGate(trx: Trx, gate: AtGate): Promise<boolean>;
  /** Awaited once a transaction is on the disk, before any of its sections is told so; `isBought` where one asked that it be remembered. */
  onCommit(gate: AtGate, isBought: boolean): Promise<void>;
  /** The database in words, without its password. */
  where: string;
  patienceMs?: number;
}

/**
 * Sections of one process: one after the other behind the gate. Those that wait when one has ended join its transaction, each in a
 * savepoint, and share its commit: one that fails is rolled back alone.
 */
export function createSections({ session, onGate, onCommit, where, ...options }: SectionsOptions) {
  const usualMs = options.patienceMs ?? PATIENCE_MS;
  let patienceMs = usualMs;
  const queue: Waiting[] = [];
  let running: Promise<void> | null = null;
  /** What sections are being run on. */
  let used: Session | null = null;
  let cancelLimit = () => {};
  /** Nothing is tried until patience is given again. */
  let hasGivenUp = false;
  let isClosed = false;
  /** Transactions of this process, as it writes them down (gate.ts). */
  const mark = { id: newId(systemClock.nowMs()), number: 0 };
  /** Generations of this process: how many have committed, and the one that a transaction is about to. */
  const own = { committed: 0, pending: Number.POSITIVE_INFINITY };

  async function drain(): Promise<void> {
    while (queue.length > 0) await batch();
    cancelLimit();
    // In the same turn as the last look at the queue: what comes a moment later starts another.
    running = null;
  }

  /** Runs what waits, and again as long as nothing of it happened and it may help. */
  async function batch(): Promise<void> {
    limit();
    const taken: Waiting[] = [];
    const beganMs = systemClock.uptimeMs();
    const isOver = () => systemClock.uptimeMs() - beganMs >= patienceMs;
    for (;;) {
      try {
        const ran = await transact(taken, isOver);
        for (const each of ran) settle(each, where);
        return;
      } catch (error) {
        if (isOver() || error instanceof CommitUnknown || !(isWorthAgain(error) || isAway(error))) {
          for (const { reject } of taken) reject(explain(error, where));
          return;
        }
      }
      await pause(RETRY_MS).over;
    }
  }

  /** One transaction: the sections of `taken`, which it adds to, and their commit. */
  async function transact(taken: Waiting[], isOver: () => boolean): Promise<Ran[]> {
    // A batch that failed before any section was taken fails for the one that asked for it.
    if (taken.length === 0) taken.push(...queue.splice(0, 1));
    refuseGivenUp();
    const connection = await use();
    mark.number += 1;
    const gate = await passGate(connection, gateOf(mark));
    own.pending = gate.generation;
    const ran: Ran[] = [];
    let isBought = false;
    try {
      await within(connection, async (root) => {
        const section = () =>
          sectionOf(root, connection, () => {
            isBought = true;
          });
        const wrote = await onGate(section(), gate);
        for (let at = 0; ; at++) {
          if (at === taken.length && at < SECTIONS_MAX) taken.push(...queue.splice(0, 1));
          const waiting = taken[at];
          if (waiting === undefined) return;
          const isSaved = wrote || ran.length > 0;
          ran.push(await runOne(connection, section(), waiting, isSaved));
          // Without a savepoint of its own, what the first wrote goes with the whole transaction.
          const [first] = ran;
          if (!isSaved && first !== undefined && "error" in first) {
            // Those that had joined it before the transaction was run again.
            queue.unshift(...taken.splice(1));
            throw new FirstFailed();
          }
        }
      });
    } catch (error) {
      own.pending = Number.POSITIVE_INFINITY;
      await connection.undo();
      if (error instanceof FirstFailed) return ran;
      throw error;
    }
    await commit(connection, gate, isOver);
    countCommitted();
    await onCommit(gate, isBought);
    return ran;
  }

  /** Begins a transaction. */
  async function passGate(connection: Session, statements: readonly string[]): Promise<AtGate> {
    const answer = await connection.begin("isolation level read committed", ...statements);
    try {
      return readGate(answer, where);
    } catch (error) {
      await connection.rollback();
      throw error;
    }
  }

  /** A link may be half open: where patience is short, nothing else would end what waits for an answer. */
  function limit(): void {
    cancelLimit();
    if (patienceMs === usualMs) return;
    cancelLimit = afterUnref(patienceMs + RETRY_MS, () => used?.destroy());
  }

  async function use(): Promise<Session> {
    if (isClosed) throw closed(where);
    used = await session();
    return used;
  }

  function countCommitted(): void {
    own.committed += 1;
    own.pending = Number.POSITIVE_INFINITY;
  }

  function refuseGivenUp(): void {
    if (hasGivenUp) throw new StoreUnreachable(`${where} has not answered for too long; nothing was changed`);
  }

  async function commit(connection: Session, gate: AtGate, isOver: () => boolean): Promise<void> {
    try {
      if (await isCertain(connection)) return;
    } catch (error) {
      if (!isAway(error)) throw error;
      await connection.drop();
    }
    await settleUnknown(gate, isOver);
  }

  /**
   * Finds out whether a transaction whose commit was not answered has happened. Asked by a transaction that writes: its own
   * commit waits for what the first one's should have waited for. @throws CommitUnknown where it cannot be asked, and an error that
   * is worth another try where it did not happen.
   */
  async function settleUnknown(gate: AtGate, isOver: () => boolean): Promise<void> {
    for (;;) {
      try {
        refuseGivenUp();
        if (await hasHappened(gate)) return;
        throw new NotCommitted(`a commit of ${where} did not happen`);
      } catch (error) {
        if (error instanceof CommitUnknown || error instanceof NotCommitted) throw error;
        if (isOver()) {
          const message = `${where} went away when a commit was asked for, and what became of it is not known`;
          throw new CommitUnknown(message, { cause: error });
        }
      }
      await pause(RETRY_MS).over;
    }
  }

  /** @throws CommitUnknown where this is not the database in which the commit was asked for, and anything else where it cannot be told now. */
  async function hasHappened({ found }: AtGate): Promise<boolean> {
    const connection = await use();
    const at = await passGate(connection, GATE);
    let hasCommitted: boolean;
    try {
      if (at.found.systemId !== found.systemId || at.found.timeline !== found.timeline)
        throw new CommitUnknown(
          `${where} is another one since a commit was asked for, and what became of that is not known`,
        );
      const { rows } = await connection.client.query("select number from commits where id = $1", [mark.id]);
      hasCommitted = rows[0]?.number === mark.number;
    } catch (error) {
      await connection.undo();
      throw error;
    }
    if (!(await isCertain(connection)))
      throw new StoreUnreachable(`${where} has committed, and may have told no standby of it`);
    own.committed += 1;
    return hasCommitted;
  }

  return {
    run<T>(work: (trx: Trx) => Promise<T>): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      queue.push({ work, resolve, reject });
      running ??= drain();
      return promise as Promise<T>;
    },
    /** How many of the generations up to this one are of this process. */
    ownUpTo: (generation: number) => own.committed + (own.pending <= generation ? 1 : 0),
    /** Does something on the sections' session; null where a section is running. Sections that come meanwhile wait. */
    aside<T>(work: (session: Session) => Promise<T>): Promise<T> | null {
      if (running !== null) return null;
      const done = use().then(work);
      running = done.then(drain, drain);
      return done;
    },
    /** As in Store: what is under way has so long from now on. */
    setPatience(nextMs: number | null): void {
      patienceMs = nextMs ?? usualMs;
      hasGivenUp = nextMs === 0;
      if (running !== null) limit();
    },
    /** Resolves when no section is running or waiting; refuses those that come later. */
    async close(): Promise<void> {
      while (running !== null) await running;
      isClosed = true;
      patienceMs = 0;
    },
  };
}

/** The only section of its transaction so far failed: all of it is rolled back, and nothing is tried again. */
class FirstFailed extends Error {}

/** It did not happen, as was found out: the sections run again. */
class NotCommitted extends StoreUnreachable {}
