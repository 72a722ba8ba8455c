import type { Log } from "../lib/log.ts";
import type { Scope } from "../lib/windows.ts";
import type { JobClaim } from "../rails/machine.ts";
import type { Trx } from "../store/schema.ts";
import type { Refusal } from "./protocols/protocol.ts";

/** Whoever asks with a key that is known: a client of afk.yaml, or a run of a job. */
export interface Caller {
  /** For messages and the log: `client laptop`, `job digest`. */
  title: string;
  /** Whose windows its calls count in. */
  scope: Scope;
  /** Aliases and references that it may use; null for all that the gateway offers. */
  models: readonly string[] | null;
  /** What it may use beyond what has a bound by itself (config/gateway-schema.ts). */
  allow: ReadonlySet<string>;
  /** The lock holder's id for a job's run; for a client null, and in a fleet its gateway's. */
  runner: string | null;
  /** A job's run: the claim that it stands on. */
  claim?: JobClaim;
  /** The answers of the run's earlier attempts; null for a client. */
  recorded: RecordedAnswers | null;
  /** Where its log lines go, with the ids of the tick and job. */
  log: Log;
  /** Ends its requests: a run's own signal. Never aborts for a client. */
  signal: AbortSignal | null;
  /** Told of each request, before anything is made of it, and whether it may cost something. */
  onRequest?: (mayCost: boolean) => void;
  /** Told of each request that is refused by a gate, or asked for what may not be: what a run does with that is its owner's to judge. */
  onRefused?: (refusal: Refusal) => void;
}

/** The breaker that a runaway of this caller opens: `client:laptop`. */
export function breakerOf({ title }: Caller): string {
  return title.replace(" ", ":");
}

/** Finds out whose key it is; null for nobody's. Asked for each request, so that a key that is revoked ends at once. */
export type FindCaller = (key: string) => Promise<Caller | null>;

/** A whole answer of a model, as it went to the client. */
export interface RecordedAnswer {
  status: number;
  contentType: string;
  body: string;
  /** The ledger's entry that paid for it. */
  entry: string;
}

/** Answers that a run of a job has bought, by the hash of the request. */
export interface RecordedAnswers {
  /** The answer to this run's next request with that hash, where an earlier attempt got one; each is given once. */
  next(requestHash: string): Promise<RecordedAnswer | null>;
  /** Keeps one, in the transaction that settles its cost; drops it where it or the run has more than is kept. */
  keep(trx: Trx, requestHash: string, answer: RecordedAnswer): Promise<void>;
}
