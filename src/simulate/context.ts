import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import type { Report, Violation } from "../faults/oracles/invariant.ts";
import type { Reader } from "../faults/oracles/reader.ts";
import type { Audit } from "./audit.ts";
import type { Calendar } from "./calendar.ts";
import type { SimulatedEnvironment } from "./environment/environment.ts";
import type { FaultName } from "./fault-names.ts";
import type { Machine } from "./machine.ts";
import type { FaultRates } from "./world/fault-rates.ts";
import type { LocalSource } from "./world/sources.ts";
import type { World } from "./world/world.ts";

/** What one simulation is made of; it crosses to a thread, so it is plain data. */
export interface SimulationInput {
  /** A folder of its own, empty but for afk.yaml and what stands in for local sources. */
  dir: string;
  configFile: string;
  state: string;
  environment: Environment;
  local: LocalSource[];
  days: number;
  seed: number;
  faults: readonly FaultName[];
}

/** One simulation under way: what the parts that act in it share. */
export interface SimulationContext {
  environment: SimulatedEnvironment;
  config: Config;
  machine: Machine;
  world: World;
  faultRates: FaultRates;
  calendar: Calendar;
  audit: Audit;
  /** Null until the agent has made its database. */
  reader(): Reader | null;
  closeReader(): void;
  report: Report;
  /** The first breach; nothing is done after it. */
  violation(): Violation | null;
  /** Writes down what went wrong on purpose. */
  note(fault: FaultName, words: string): void;
  /** What is done before the next tick, between two processes. */
  between: (() => unknown)[];
  /** True when the operator is to come before the next tick. */
  isOperatorDue: boolean;
  /** How often each draft was approved. */
  approvals: Map<string, number>;
  overrides: Overrides;
}

/** What the operator and the faults change. */
export interface Overrides {
  /** The daily cap by the host's setting, in micro-dollars; null as afk.yaml says. */
  dailyCapMicros: number | null;
  /** True moment since which there is a STOP file that somebody else made. */
  stopFileAtMs: number | null;
  isConfigBroken: boolean;
  /** What is to happen a moment after the next request to a model; once. */
  inFlight: (() => void) | null;
}
