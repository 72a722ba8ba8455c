import type { Trx } from "../schema.ts";
import { collectAfterCommit } from "../store.ts";
import { explain, isAborted, isAway, isWorthAgain, StoreUnreachable } from "./errors.ts";
import type { Session } from "./session.ts";

/** A section that was asked for. */
export interface Waiting {
  work: (trx: Trx) => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** A section that has run: what it gave, or why it failed, and what is to be done once it is on the disk. */
export type Ran =
  | { waiting: Waiting; value: unknown; hooks: readonly (() => void)[] }
  | { waiting: Waiting; error: unknown };

const SAVEPOINT = "savepoint section";
const RELEASE = "release savepoint section";

/** Runs one section of a transaction. @throws what ends the whole transaction: a lost connection, a lock that was waited for too long. */
export async function runOne(
  connection: Session,
  trx: Trx,
  waiting: Waiting,
  isSaved: boolean,
): Promise<Ran> {
  const hooks = collectAfterCommit(trx);
  if (isSaved) connection.send(SAVEPOINT);
  connection.takeRefusal();
  try {
    const value = await waiting.work(trx);
    // One that went on all the same has written nothing since: it cannot be kept.
    const refused = connection.takeRefusal();
    if (refused !== null) throw refused;
    if (isSaved) connection.send(RELEASE);
    return { waiting, value, hooks };
  } catch (thrown) {
    // Of statements that were sent together, one behind the first that failed may be told of before it.
    const error = isAborted(thrown) ? (connection.takeRefusal() ?? thrown) : thrown;
    // Whatever it made of the answers that were missing: all of them are run again.
    if (connection.isLost() && !isAway(error))
      throw new StoreUnreachable("the connection was lost in a section; nothing was changed", {
        cause: error,
      });
    if (isAway(error) || isWorthAgain(error)) throw error;
    if (isSaved) await connection.client.query(`rollback to ${SAVEPOINT.slice(10)}; ${RELEASE}`);
    return { waiting, error };
  }
}

/** Tells whoever asked for a section what became of it. */
export function settle(ran: Ran, where: string): void {
  if ("error" in ran) ran.waiting.reject(explain(ran.error, where));
  else {
    for (const hook of ran.hooks) hook();
    ran.waiting.resolve(ran.value);
  }
}
