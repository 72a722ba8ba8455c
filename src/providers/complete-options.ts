import type { Log } from "../lib/log.ts";
import type { Scope } from "../lib/windows.ts";
import type { CallFailed } from "../rails/call.ts";
import type { JobClaim } from "../rails/machine.ts";
import type { Trx } from "../store/schema.ts";
import type { Completion } from "./types.ts";

/** Whose call it is, and what is to be done with its completion. */
export interface CompleteOptions {
  scope: Scope;
  signal?: AbortSignal | undefined;
  /** Name of the job's step, for the ledger. */
  step?: string | undefined;
  /** The lock holder's id; null for a process without the lock. */
  runner?: string | null | undefined;
  /** The claim of the job whose run this is. */
  claim?: JobClaim | undefined;
  log: Log;
  /** Keeps the completion in the transaction that settles its cost. */
  record?: ((trx: Trx, completion: Completion) => Promise<void>) | undefined;
  /** Called for each model that was asked: null when it answered. */
  onCall?: ((reference: string, failure: CallFailed | null) => void) | undefined;
}
