import type { Environment } from "../config/environment.ts";
import type { FaultName } from "./fault-names.ts";
import type { LocalSource } from "./world/sources.ts";

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
  faults: FaultName[];
}
