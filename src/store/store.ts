import type { Clock } from "../lib/clock.ts";
import { assert } from "../lib/errors.ts";
import type { OpenedFile } from "../lib/opened-files.ts";
import type { Db, Trx } from "./schema.ts";

/** The agent's database. */
export interface Store {
  /** To read: what is committed. */
  db: Db;
  /**
   * To read, by prepared queries alone, what may stop something that is about to begin: at once, and with what sections of
   * this process have written and not committed. To read from `db` waits for those sections, and ends the commit they share.
   */
  latest: Db;
  /** Where pages are kept that can be fetched again: with the rest, or in a fleet in a file of the machine's own. */
  pages: Db;
  /**
   * The one way to write: a section. Sections run one at a time for the whole agent, in whatever process; what one writes is
   * there as a whole or not at all, and on the disk once this resolves. No network inside one, ever: everybody else waits.
   * On a full disk `work` runs a second time, so nothing outside of the section may depend on how often it ran.
   */
  atomically<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  /**
   * The same for what nobody waits for: it runs right before the next section of this process and shares its commit, or by
   * itself after some milliseconds.
   */
  atomicallySoon<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  changes: Changes;
  /**
   * Calls `listener` when another process says that it has set something which others must notice soon (`hintOthers`), until the
   * function that it gives is called. A hint may get lost, and some engines have none: what counts is what is read.
   */
  onHint(listener: () => void): () => void;
  /**
   * How long sections ask again while a database elsewhere does not answer; null for as long as usual. With 0, whatever waits for it
   * fails at once, and what comes after that too: for a process that is about to end.
   */
  setPatience(patienceMs: number | null): void;
  /** A clock that says the time by which the agent goes: of the machine, or in a fleet of the database. */
  clockOver(clock: Clock): Clock;
  /**
   * Takes the clock that the agent goes by for right, where its time was held back after a jump: forwards at once, backwards only
   * with `isBackToo`. On one machine that time is held by the rails alone.
   */
  acceptClock(trx: Trx, how: { isBackToo: boolean }): Promise<void>;
  health: StoreHealth;
  close(): Promise<void>;
}

/** Cheap enough to be asked several times a second, so that nobody queries in vain. */
export interface Changes {
  /**
   * A number that is another one once another connection has committed.
   * @throws StoreUnreachable within seconds where a database elsewhere does not answer.
   */
  seen(): Promise<number>;
}

/** What can go wrong with the storage under a process that works with it. */
interface StoreHealth {
  /**
   * @throws StoreRefused after an I/O error, which the work it happened in may have taken for a failure of its own. Every
   * later statement was refused, so nobody may end as if all were well.
   */
  refuseBroken(): void;
  /** @throws StoreRefused when the tables are not what this version makes, or are those of a newer one. */
  refuseForeign(): Promise<void>;
  /** @throws StoreRefused when what is kept is damaged, as far as afk can tell: a server looks after its own files. */
  refuseDamage(): Promise<void>;
  /** Whether `refuseDamage` takes long. */
  isLarge(): boolean;
  /** Has `tell` called each time that something is written into `database_events`: it waits to be told. */
  onEvent(tell: () => Promise<void>): void;
  /** Gives a bounded part of what is free back to the system; how much that was, in units of its own. */
  shrink(): Promise<number>;
  /** What has to stay in its place: the database with its log, and the lock's file while this process holds it. */
  files: OpenedFile[];
  /**
   * When and how one of `files` was seen to be replaced; null while all are in their places. It stays so once it was seen:
   * somebody else may have worked with what stood there meanwhile.
   */
  replaced(): { at: number; what: string } | null;
}

const hints = new WeakMap<Trx, () => Promise<void>>();

/** Tells other processes, once the section of `trx` is on disk, to look sooner than they would; where the engine can. */
export async function hintOthers(trx: Trx): Promise<void> {
  await hints.get(trx)?.();
}

/** For an engine that can tell others: how a section of its does. */
export function hintBy(trx: Trx, hint: () => Promise<void>): void {
  hints.set(trx, hint);
}

const remembering = new WeakMap<Trx, () => void>();

/**
 * Has this machine keep on its own disk, before anybody is told of the commit of `trx`, that it has happened: for what is bought on
 * it. A database elsewhere may come back without it, and this machine without power; where both are one disk, nothing is to be done.
 */
export function rememberCommit(trx: Trx): void {
  remembering.get(trx)?.();
}

/** For an engine whose database is elsewhere: how a section of its does. */
export function rememberBy(trx: Trx, remember: () => void): void {
  remembering.set(trx, remember);
}

const hooks = new WeakMap<Trx, (() => void)[]>();

/** Runs `done` once the section of `trx` is on disk, in the order in which this was called; never if it is rolled back. */
export function afterCommit(trx: Trx, done: () => void): void {
  const waiting = hooks.get(trx);
  assert(waiting !== undefined, "only a section of store.atomically has a commit to wait for");
  waiting.push(done);
}

/** For the engine that begins a section: what `afterCommit` collects in it. */
export function collectAfterCommit(trx: Trx): readonly (() => void)[] {
  const waiting: (() => void)[] = [];
  hooks.set(trx, waiting);
  return waiting;
}
