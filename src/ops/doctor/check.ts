import type { Config } from "../../config/config.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Store } from "../../store/store.ts";
import type { FindingCode } from "../condition/finding.ts";
import type { Host } from "./host.ts";

/** What one check found. `mend` says what to do, where something is to be done. */
export interface Finding {
  /** Where it is not that of the examination. */
  name?: string;
  /** `warn` is worth mending and stops nothing; `skipped` could not be seen from here, or was not to be asked. */
  result: "ok" | "warn" | "bad" | "skipped";
  found: string;
  mend: string | null;
  /** Where it is a finding of the agent's condition, which every screen has. */
  code?: FindingCode;
}

/** In the order in which doctor shows them. */
export const GROUPS = ["configuration", "jobs", "state", "money", "models", "alerts", "host"] as const;

/** A finding as doctor shows it. */
export interface Check extends Finding {
  name: string;
  group: (typeof GROUPS)[number];
  /** It asks somebody over the network; `--offline` leaves it out. */
  network: boolean;
}

/** What there is to check. The later kinds of checks need the earlier parts to be in order. */
export interface OnHost {
  host: Host;
  clock: Clock;
}

/** What a check of the configuration needs. */
export type WithConfig = OnHost & { config: Config };

/** What a check of the state needs. */
export type WithStore = WithConfig & { store: Pick<Store, "db"> };

/** One or several; none where there is nothing to say. */
export type Found = Finding | Finding[];

/**
 * One thing to check: where doctor shows it, and what checks it, which changes nothing; what it throws becomes a finding.
 * With `network` it is left out when told to keep off the network.
 */
export type Examination<Subject> = readonly [
  group: Check["group"],
  name: string,
  check: (subject: Subject) => Found | Promise<Found>,
  network?: "network" | undefined,
];

/** All is well. */
export const ok = (found: string): Finding => ({ result: "ok", found, mend: null });

/** Worth mending. */
export const warn = (found: string, mend: string): Finding => ({ result: "warn", found, mend });

/** To be mended. */
export const bad = (found: string, mend: string): Finding => ({ result: "bad", found, mend });

/** Could not be seen. */
export const skipped = (found: string): Finding => ({ result: "skipped", found, mend: null });
