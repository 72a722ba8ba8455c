import { after } from "../../lib/clock.ts";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { closed } from "./errors.ts";
import { Session } from "./session.ts";
import { describe } from "./where.ts";

/** Sessions beside the one of sections, at most: what is read while one is open. */
const SESSIONS_MAX = 4;
/** One that nobody has used for so long is closed. */
const IDLE_MS = 10_000;

/** Sessions to read by, and to write what needs no section. They are opened as they are needed. */
export class Pool {
  readonly #target: DatabaseTarget;
  readonly #open = new Set<Session>();
  readonly #free: { session: Session; cancel: () => void }[] = [];
  readonly #waiting: PromiseWithResolvers<Session>[] = [];
  /** Of those open, and those being opened. */
  #count = 0;
  #refusal: unknown = null;
  #isClosed = false;

  constructor(target: DatabaseTarget) {
    this.#target = target;
  }

  async run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.take();
    try {
      return await work(session);
    } finally {
      this.giveBack(session);
    }
  }

  async take(): Promise<Session> {
    if (this.#isClosed) throw closed(describe(this.#target));
    if (this.#refusal !== null) throw this.#refusal;
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      free.cancel();
      if (!free.session.isLost()) return free.session;
      this.#forget(free.session);
    }
    if (this.#count < SESSIONS_MAX) return await this.#connect();
    const waiting = Promise.withResolvers<Session>();
    this.#waiting.push(waiting);
    return await waiting.promise;
  }

  async #connect(): Promise<Session> {
    this.#count += 1;
    try {
      const session = await Session.open(this.#target);
      this.#open.add(session);
      return session;
    } catch (error) {
      this.#count -= 1;
      // Nobody will give one back to whoever waits: it tries for itself.
      const next = this.#waiting.shift();
      if (next !== undefined) this.#connect().then(next.resolve, next.reject);
      throw error;
    }
  }

  giveBack(session: Session): void {
    const next = this.#waiting.shift();
    if (next !== undefined && !session.isLost()) next.resolve(session);
    else if (this.#isClosed || session.isLost()) {
      void this.#drop(session);
      if (next !== undefined) this.#connect().then(next.resolve, next.reject);
    } else this.#free.push({ session, cancel: after(IDLE_MS, () => void this.#drop(session)) });
  }

  /** Ends what is under way with an error, and refuses what comes, until it is called with null. */
  refuse(refusal: unknown): void {
    this.#refusal = refusal;
    if (refusal === null) return;
    for (const session of this.#open) session.destroy();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(refusal);
  }

  #forget(session: Session): void {
    if (this.#open.delete(session)) this.#count -= 1;
  }

  async #drop(session: Session): Promise<void> {
    const at = this.#free.findIndex((free) => free.session === session);
    if (at !== -1) this.#free.splice(at, 1);
    this.#forget(session);
    await session.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const free = this.#free.splice(0);
    for (const { cancel } of free) cancel();
    await Promise.all(free.map(({ session }) => session.close()));
  }
}
