/** A key of a client of the gateway; the key itself is kept by the client alone. */
export interface ClientKeysTable {
  /** sha256 of the key, hex. */
  hash: string;
  /** Its name in afk.yaml. */
  client: string;
  /** The last characters of the key, by which a person knows it again. */
  hint: string;
  made_at: number;
  revoked_at: number | null;
}

/** What a run of a job was answered by a model, so that a run that begins again is answered the same. */
export interface AnswersTable {
  /** The job's key. */
  job: string;
  request_hash: string;
  /** From 0; the n-th answer to the same request. */
  position: number;
  /** The ledger's entry that paid for it. */
  entry: string;
  status: number;
  content_type: string;
  body: string;
  made_at: number;
}

/** Requests of a day that led to no call of a model, by who asked. For reports; no limit is made of it. */
export interface GatewayDaysTable {
  /** Of the budget's time. */
  day: string;
  /** `client:laptop`, `job:digest`; empty for a key that is nobody's. */
  owner: string;
  refused: number;
  /** Answered with what an earlier attempt of the run had bought. */
  replayed: number;
  /** Answered with what the same client's first try was answered. */
  joined: number;
}
