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
import type { WedgeGuard } from "./wedge/guard.ts";

/** What the runner works with; made in agent.ts. */
export interface Parts {
  config: Config;
  version: string;
  store: Store;
  outbox: Outbox;
  rails: Rails;
  chain: Chain;
  egress: Egress;
  kinds: readonly JobKind[];
  clock: Clock;
  randomness: Randomness;
  log: Log;
  /** Takes over a changed configuration, and gives what is made from the one in use. */
  renew: () => Promise<Renewed>;
  /** Whether there is a change to take over, or a refusal to tell of. */
  hasNews: () => boolean;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Where a wedge guard watches this process. */
  guard?: WedgeGuard;
}

/** What is made from the configuration, and made anew when that was changed. */
export type Renewed = Pick<Parts, "config" | "chain" | "egress">;

/** How far a job is, for people who watch. */
export interface Progress {
  job: string;
  done: number;
  total: number;
  label: string;
}
