import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Agent, openAgent } from "../agent.ts";
import type { Config } from "../config/config.ts";
import { type Environment, processEnvironment } from "../config/environment.ts";
import type { JobKind } from "../jobs/job.ts";
import type { Clock } from "../lib/clock.ts";
import type { LogLine } from "../logs/line.ts";
import { readLogs } from "../logs/read.ts";
import { startWorker, type Worker } from "./worker.ts";

/** A scratch agent: an afk.yaml of its own, a state of its own, and the product's own code on them. */
export interface Deployment {
  dir: string;
  state: string;
  stopFile: string;
  /** The agent in this process. */
  open(options?: { clock?: Clock; kinds?: readonly JobKind[] }): Promise<Agent>;
  /** The agent in a process of its own: `afk` with these arguments. */
  start(args: readonly string[], nodeOptions?: readonly string[]): Worker;
  /** The lines of this event that its log holds so far. */
  logged(event: string): LogLine[];
}

/** The variables that a worker needs to start, and no setting of afk's: those are in the scratch configuration. */
const PASSED_ON = ["PATH", "HOME", "LANG", "TMPDIR", "NODE_COMPILE_CACHE"];

/** Writes a scratch afk.yaml with this content into `dir`. */
export function deploy(
  dir: string,
  content: Record<string, unknown>,
  options: { real: Config; entry: string },
): Deployment {
  mkdirSync(join(dir, "inbox"), { recursive: true });
  const configFile = join(dir, "afk.yaml");
  const state = join(dir, "state");
  writeFileSync(configFile, `${JSON.stringify(content, null, 2)}\n`);
  const { stopFile, environment } = stopFileFor(options.real, dir, state);
  return {
    dir,
    state,
    stopFile,
    open: (how = {}) => openAgent({ config: configFile, state, environment, ...how }),
    start(args, nodeOptions = []) {
      const outer = processEnvironment();
      const passedOn = Object.fromEntries(PASSED_ON.map((name) => [name, outer[name]]));
      return startWorker({
        entry: options.entry,
        nodeOptions,
        args: [...args, "--config", configFile, "--state", state],
        cwd: dir,
        env: { ...passedOn, ...environment },
      });
    },
    logged: (event) => [...readLogs({ dir: join(state, "logs"), events: [event] })].map(({ line }) => line),
  };
}

/** Where the host sets KILL_FLAG, the scratch agent is stopped by such a file too, and never by the real one. */
function stopFileFor(
  real: Config,
  dir: string,
  state: string,
): { stopFile: string; environment: Environment } {
  if (real.paths.stopFile === join(real.paths.state, "STOP"))
    return { stopFile: join(state, "STOP"), environment: {} };
  const stopFile = join(dir, basename(real.paths.stopFile));
  return { stopFile, environment: { KILL_FLAG: stopFile } };
}

/** A digest of the deployment's inbox, due at once. The model is asked once an item, and once for the opening. */
export const DIGEST = {
  name: "digest",
  kind: "digest",
  every: "1d",
  timeout: "2m",
  sources: [{ folder: "./inbox", name: "Drill inbox" }],
};

/** Writes `count` files into the inbox, one item each. */
export function fillInbox(deployment: Deployment, count: number): void {
  for (let n = 1; n <= count; n++) {
    const text = `# Drill item ${n}\n\nThe harbour number ${n} is open. Ships may enter.\n`;
    writeFileSync(join(deployment.dir, "inbox", `item-${n}.md`), text);
  }
}
