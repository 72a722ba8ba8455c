import { after, systemClock } from "../../lib/clock.ts";
import type { Changes } from "../store.ts";
import { explain, StoreUnreachable } from "./errors.ts";
import { quoted, type Session } from "./session.ts";

/** Several who ask within this time share an answer. */
const FRESH_MS = 100;
/** A connection that does not answer a look in this time is given up: its link may be half open. */
const ANSWER_MS = 1_000;

/** What a look reads. The switch is there by itself: no count of generations may hide that it was set. */
interface Facts {
  generation: number;
  epoch: number;
  kill: number | null;
  set_at: number | null;
}

interface LooksOptions {
  schema: string;
  /** Does something on a session that is free, or on another one. */
  onSession<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** How many of the generations up to this one are of this process. */
  ownUpTo(generation: number): number;
  /** The database in words. */
  where: string;
}

/** What others have committed: by the generation that each section raises, and by the kill switch itself. */
export function followChanges({ schema, onSession, ownUpTo, where }: LooksOptions): Changes & {
  /** The next who asks gets an answer of its own. */
  forget(): void;
} {
  const name = quoted(schema);
  // One statement, which needs nothing of a session: it says where its tables are.
  const text = `select g.generation, g.epoch, k.id as kill, k.set_at from ${name}.gate g
    left join ${name}.kill_switch k on k.id = 1 where g.id = 1`;
  let last: { at: number; seen: Promise<number> } | null = null;
  let known = "";
  let version = 0;

  async function look(): Promise<number> {
    try {
      const { rows } = await onSession((session) =>
        withinTime(session, () => session.client.query<Facts>(text)),
      );
      const [facts] = rows;
      const others = facts === undefined ? "" : facts.generation - ownUpTo(facts.generation);
      const now = JSON.stringify([others, facts?.epoch, facts?.kill, facts?.set_at]);
      if (now !== known) version += 1;
      known = now;
      return version;
    } catch (error) {
      throw explain(error, where);
    }
  }

  return {
    forget() {
      last = null;
    },
    async seen() {
      const nowMs = systemClock.uptimeMs();
      if (last === null || nowMs - last.at >= FRESH_MS) last = { at: nowMs, seen: look() };
      return await last.seen;
    },
  };
}

/** @throws StoreUnreachable where it does not answer; the session is gone then. */
export async function withinTime<T>(session: Session, work: () => Promise<T>): Promise<T> {
  let isLate = false;
  const cancel = after(ANSWER_MS, () => {
    isLate = true;
    session.destroy();
  });
  try {
    return await work();
  } catch (error) {
    if (!isLate) throw error;
    throw new StoreUnreachable(`the database has not answered for ${ANSWER_MS / 1_000} s`, { cause: error });
  } finally {
    cancel();
  }
}
