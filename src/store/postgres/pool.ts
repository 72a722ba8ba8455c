import { after } from "../../lib/clock.ts";
import type { DatabaseTarget } from "../target.ts";
import { Session } from "./session.ts";

/** Sessions beside the one of sections, at most: what is read while one is open. */
const SESSIONS_MAX = 4;
/** One that nobody has used for so long is closed. */
const IDLE_MS = 10_000;

/** Sessions to read by, and to write what needs no section. They are opened as they are needed. */
export class Pool {
  readonly #target: DatabaseTarget;
  readonly #free: { session: Session; cancel: () => void }[] = [];
  readonly #waiting: ((session: Promise<Session>) => void)[] = [];
  #count = 0;
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
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      free.cancel();
      if (!free.session.isLost()) return free.session;
      this.#count -= 1;
    }
    if (this.#count >= SESSIONS_MAX) return await new Promise((resolve) => this.#waiting.push(resolve));
    return await this.#open();
  }

  async #open(): Promise<Session> {
    this.#count += 1;
    try {
      return await Session.open(this.#target);
    } catch (error) {
      this.#count -= 1;
      // Nobody will give one back to whoever waits: it tries for itself.
      this.#waiting.shift()?.(this.#open());
      throw error;
    }
  }

  giveBack(session: Session): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next(session.isLost() ? this.#replace(session) : Promise.resolve(session));
    else if (this.#isClosed || session.isLost()) void this.#drop(session);
    else this.#free.push({ session, cancel: after(IDLE_MS, () => void this.#drop(session)) });
  }

  async #replace(lost: Session): Promise<Session> {
    await this.#drop(lost);
    return await this.#open();
  }

  async #drop(session: Session): Promise<void> {
    const at = this.#free.findIndex((free) => free.session === session);
    if (at !== -1) this.#free.splice(at, 1);
    this.#count -= 1;
    await session.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const free = this.#free.splice(0);
    for (const { cancel } of free) cancel();
    await Promise.all(free.map(({ session }) => session.close()));
  }
}
