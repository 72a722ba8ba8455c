import type { Outbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import type { Egress } from "../egress/types.ts";
import type { JobKind } from "../jobs/job.ts";
import type { Clock } from "../lib/clock.ts";
import type { Randomness } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { Chain } from "../providers/chain.ts";
import type { Rails } from "../rails/rails.ts";
import type { Store } from "../store/store.ts";
import type { Sender } from "./sender.ts";
import type { SetAtWork } from "./wedge/guard.ts";

/** What a worker is put together from, in agent.ts. A function asks for what it uses: `Uses<"store" | "clock">`. */
export interface Dependencies extends Configured {
  version: string;
  store: Store;
  outbox: Outbox;
  /** Sends what was committed, beside the work. */
  sender: Sender;
  rails: Rails;
  kinds: readonly JobKind[];
  clock: Clock;
  randomness: Randomness;
  log: Log;
  /** Takes over a changed configuration, and returns what is made from the one in use. */
  renew: () => Promise<Configured>;
  /** Whether there is a change to take over, or a refusal to report. */
  hasNews: () => boolean;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Where a wedge guard watches this process. */
  setAtWork?: SetAtWork;
}

/** Those of the dependencies that a function uses, by name. */
export type Uses<Name extends keyof Dependencies> = Pick<Dependencies, Name>;

/** What most phases use: they look at the configuration, write, and announce what they wrote. */
export type Writing = Uses<"config" | "store" | "outbox" | "clock">;

/** What is made from the configuration, and made anew when that was changed. */
export interface Configured {
  config: Config;
  chain: Chain;
  egress: Egress;
}

/** The tick that works, and the holder of the lock, as claims and the ledger name them. */
export interface WorkIds {
  tick: string;
  runner: string;
}

/** How far a job is, for people who watch. */
export interface Progress {
  job: string;
  done: number;
  total: number;
  label: string;
  /** Where several jobs run at a time. */
  isOneOfSeveral?: true;
}
