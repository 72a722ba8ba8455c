import type { Config } from "../../config/config.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Store } from "../../store/store.ts";
import type { Host } from "./host.ts";

/** What a look at one thing found. `mend` says what to do, where something is to be done. */
export interface Finding {
  name: string;
  /** `warn` is worth mending and stops nothing; `skipped` could not be seen from here, or was not to be looked at. */
  result: "ok" | "warn" | "bad" | "skipped";
  found: string;
  mend: string | null;
}

export const GROUPS = ["configuration", "state", "money", "models", "alerts", "host"] as const;

export interface Check extends Finding {
  group: (typeof GROUPS)[number];
  /** It asks somebody over the network; `--offline` leaves it out. */
  network: boolean;
}

/** What there is to look at. The later kinds of looks need the earlier parts to be in order. */
export interface OnHost {
  host: Host;
  clock: Clock;
}

export interface WithConfig extends OnHost {
  config: Config;
}

export interface WithStore extends WithConfig {
  store: Pick<Store, "db">;
}

/** One thing to look at. `look` changes nothing; what it throws becomes a finding. */
export interface Examination<Subject> {
  group: Check["group"];
  name: string;
  /** Left out when told to keep off the network; a look that needs it only for some things says so per finding. */
  network?: boolean;
  look(subject: Subject): Finding[] | Promise<Finding[]>;
}

export function ok(name: string, found: string): Finding {
  return { name, result: "ok", found, mend: null };
}

export function warn(name: string, found: string, mend: string): Finding {
  return { name, result: "warn", found, mend };
}

export function bad(name: string, found: string, mend: string): Finding {
  return { name, result: "bad", found, mend };
}

export function skipped(name: string, found: string): Finding {
  return { name, result: "skipped", found, mend: null };
}
