/** `dead`: it failed for good, and the report says why. `progress`: it runs still, and the report says how far it is. */
export type Outcome = "done" | "dead" | "progress";

/** What one run of a job gave, as its receivers get it; the newest of each outcome. Conventions as in schema.ts. */
export interface ResultsTable {
  job_id: string;
  /** The job's name in afk.yaml. */
  name: string;
  /** Of the period, as in the names of its files. */
  label: string;
  slot_at: number;
  outcome: Outcome;
  /** 0: nothing new; only who asks for every result gets it. */
  is_news: number;
  /** Report (delivery/report.ts), JSON. */
  report: string;
  created_at: number;
}

/** One result on its way to one receiver. */
export interface DeliveriesTable {
  /** `job:period:receiver`, so that twice is once; behind it the outcome, unless that is `done`. */
  key: string;
  job_id: string;
  outcome: Outcome;
  /** As afk.yaml names it: a channel's name, `feed`, `file`. */
  receiver: string;
  /** As in alert_deliveries; what has no address is named by its type. */
  channel: string;
  /** `dead`: all tries are used up. */
  state: "pending" | "delivered" | "dead";
  attempts: number;
  /** Of a result in several messages: how many the receiver has taken, so that a retry goes on behind them. */
  parts_taken: number;
  next_at: number;
  error: string | null;
  created_at: number;
  updated_at: number;
}

/** An item that a digest printed, for the roll-up and for what the owner thinks of it. */
export interface DigestItemsTable {
  /** Short, for people to type. */
  id: string;
  job: string;
  item_key: string;
  label: string;
  title: string;
  link: string | null;
  source: string;
  summary: string;
  published_at: number | null;
  /** Thousandths; null where nothing was ranked. */
  score: number | null;
  /** 1 up, -1 down; null while nobody has said. */
  vote: number | null;
  rated_at: number | null;
  created_at: number;
}
