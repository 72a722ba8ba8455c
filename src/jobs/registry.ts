import { agent } from "./agent/agent.ts";
import { digest } from "./digest/digest.ts";
import { exec } from "./exec/exec.ts";
import type { JobKind } from "./job.ts";
import { rollup } from "./rollup/rollup.ts";
import { triage } from "./triage/triage.ts";

/** Every kind of job there is; `kind:` in afk.yaml names one of them. */
export const jobKinds: readonly JobKind[] = [agent, digest, exec, rollup, triage];
