import type Database from "better-sqlite3";

/** So many sections at most share a commit: other processes wait for the lock meanwhile. */
const SECTIONS_MAX = 64;

/** Null once the section is on the disk. */
type Outcome = { error: unknown } | null;

interface Section {
  /** Somebody waits for its outcome; nobody does for a transaction that was begun by hand, as a migration is. */
  isAwaited: boolean;
  outcome: Promise<Outcome>;
  settle(outcome: Outcome): void;
}

/**
 * Sections of one process that are asked for in the same turn of its event loop share a commit, since it is the commit that
 * waits for the disk. They run one after the other in one transaction, each but the first in a savepoint: one that fails is rolled back
 * alone. Each is told that it succeeded when the commit is on the disk, and all of them fail with a commit that fails.
 */
export class CommitGroup {
  readonly #database: Database.Database;
  readonly #run: (sql: string) => void;
  #current: Section | null = null;
  /** Sections that have run and wait for their commit. */
  #ended: Section[] = [];
  #isCommitPlanned = false;
  /** Why SQLite rolled everything back while a section was running; until that section is over. */
  #lost: { error: unknown } | null = null;
  /** Why what failed could not be rolled back. */
  #stuck: { error: unknown } | null = null;

  constructor(database: Database.Database, run: (sql: string) => void) {
    this.#database = database;
    this.#run = run;
  }

  /**
   * Runs a section and gives what it gives, once it is on the disk. `transaction` calls `onBegin` when it has begun.
   * @throws what the section throws, or what the commit does.
   */
  async section<T>(transaction: (onBegin: () => void) => Promise<T>): Promise<T> {
    const begun: { section: Section | null } = { section: null };
    const result = await transaction(() => {
      begun.section = this.#current;
      if (begun.section !== null) begun.section.isAwaited = true;
    });
    const failure = await begun.section?.outcome;
    if (failure) throw failure.error;
    return result;
  }

  isInSection(): boolean {
    return this.#current !== null;
  }

  /** Begins a section, with a transaction where none is open. */
  async begin(beginTransaction: () => Promise<void>): Promise<void> {
    const stuck = this.#stuck;
    this.#stuck = null;
    if (stuck !== null) throw stuck.error;
    if (this.#ended.length === 0) await beginTransaction();
    else this.#run("savepoint section");
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#current = { isAwaited: false, outcome: promise, settle: resolve };
  }

  /** Ends a section that has done its work. @throws what the commit does, where nobody waits for the outcome. */
  end(): void {
    this.refuseLost();
    const section = this.#current;
    if (section === null) return;
    if (this.#ended.length > 0) this.#run("release section");
    this.#ended.push(section);
    this.#current = null;
    if (section.isAwaited) this.#planCommit();
    else {
      const failure = this.commit();
      if (failure !== null) throw failure.error;
    }
  }

  /** Takes back what a section that failed has written, and nothing else. */
  undo(): void {
    this.#current = null;
    this.#lost = null;
    // SQLite has already rolled back after a full disk or an I/O error, and refuses to do it again.
    if (this.#database.inTransaction) {
      if (this.#ended.length === 0) this.#run("rollback");
      else this.#undoSavepoint();
    }
    this.#planCommit();
  }

  #undoSavepoint(): void {
    try {
      this.#run("rollback to section");
      this.#run("release section");
    } catch (error) {
      this.#settle({ error });
      throw error;
    }
  }

  /** Commits the sections that have run, so that a statement by itself sees nothing that may still be lost. */
  commit(): Outcome {
    if (this.#ended.length === 0) return null;
    let outcome: Outcome = null;
    try {
      this.#run("commit");
    } catch (error) {
      outcome = { error };
    }
    this.#settle(outcome);
    return outcome;
  }

  /** Nobody waits for it but the sections, which are told what became of them; that it cannot be rolled back is the next one's to know. */
  #commitUnasked(): void {
    try {
      this.commit();
    } catch (error) {
      this.#stuck = { error };
    }
  }

  /** Tells the sections that have run what became of them. Nothing of them stays but by a commit. */
  #settle(outcome: Outcome): void {
    const sections = this.#ended;
    this.#ended = [];
    for (const section of sections) section.settle(outcome);
    if (this.#database.inTransaction) this.#run("rollback");
  }

  /** Takes note of a statement that failed: SQLite may have rolled back the whole transaction. */
  noteFailure(error: unknown): void {
    if (this.#current === null || this.#database.inTransaction || this.#lost !== null) return;
    this.#lost = { error };
    this.#settle(this.#lost);
  }

  isLost(): boolean {
    return this.#lost !== null;
  }

  /** @throws what made SQLite roll back: whatever the section wrote now would be written by itself. */
  refuseLost(): void {
    if (this.#lost !== null) throw this.#lost.error;
  }

  /**
   * Not at once: each request that has come in over the network has its section in a turn of its own, and to commit blocks them
   * all. Those whose bytes are there already run before the immediate, and share it.
   */
  #planCommit(): void {
    if (this.#ended.length >= SECTIONS_MAX) this.commit();
    if (this.#isCommitPlanned || this.#ended.length === 0) return;
    this.#isCommitPlanned = true;
    setImmediate(() => {
      this.#isCommitPlanned = false;
      // A section that is running plans it again when it ends.
      if (this.#current === null) this.#commitUnasked();
    });
  }
}
