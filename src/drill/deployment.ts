import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Agent, type AgentOptions, openAgent } from "../agent.ts";
import type { Config } from "../config/config.ts";
import { processEnvironment } from "../config/environment.ts";
import { openReader } from "../faults/oracles/reader.ts";
import type { LogLine } from "../logs/line.ts";
import { readLogs } from "../logs/read.ts";
import { startWorker, type Worker } from "./worker.ts";

/** A scratch agent: an afk.yaml of its own, a state of its own, and the product's own code on them. */
export type Deployment = ReturnType<typeof deploy>;

/** The variables that a worker needs to start, and no setting of afk's: those are in the scratch configuration. */
const PASSED_ON = ["PATH", "HOME", "LANG", "TMPDIR", "NODE_COMPILE_CACHE"];

/** The state of the deployment's one job. */
export interface Job {
  state: string;
  attempts: number;
  units: number;
}

const NO_JOB: Job = { state: "no job", attempts: 0, units: 0 };

/** Writes a scratch afk.yaml with this content into `dir`. What is opened and started is added to `agents` and `workers`. */
export function deploy(
  dir: string,
  content: Record<string, unknown>,
  owner: { real: Config; entry: string; signal: AbortSignal; agents: Agent[]; workers: Worker[] },
) {
  const { real, entry, signal, agents, workers } = owner;
  mkdirSync(join(dir, "inbox"), { recursive: true });
  const configFile = join(dir, "afk.yaml");
  const state = join(dir, "state");
  writeFileSync(configFile, `${JSON.stringify(content, null, 2)}\n`);
  // Where the host sets KILL_FLAG, the scratch agent is stopped by such a file too, and never by the real one.
  const isFlagSet = real.paths.stopFile !== join(real.paths.state, "STOP");
  const stopFile = isFlagSet ? join(dir, basename(real.paths.stopFile)) : join(state, "STOP");
  const environment = isFlagSet ? { KILL_FLAG: stopFile } : {};
  /** What its database holds. */
  function rows<Row>(sql: string): Row[] {
    using reader = openReader(join(state, "afk.db"));
    return reader.all<Row>(sql);
  }
  return {
    dir,
    state,
    stopFile,
    /** The agent in this process, closed with the harness. */
    async open(how: Pick<AgentOptions, "clock" | "kinds"> = {}): Promise<Agent> {
      signal.throwIfAborted();
      const agent = await openAgent({ config: configFile, state, environment, ...how });
      agents.push(agent);
      return agent;
    },
    /** A worker: `afk tick` in a process of its own, which is gone when the harness is. */
    start(nodeOptions: readonly string[] = []): Worker {
      signal.throwIfAborted();
      const outer = processEnvironment();
      const passedOn = Object.fromEntries(PASSED_ON.map((name) => [name, outer[name]]));
      const worker = startWorker([...nodeOptions, entry, "tick", "--config", configFile, "--state", state], {
        cwd: dir,
        env: { ...passedOn, ...environment },
      });
      workers.push(worker);
      return worker;
    },
    /** The lines of this event that its log holds so far. */
    logged: (event: string): LogLine[] =>
      [...readLogs({ dir: join(state, "logs"), events: [event] })].map(({ line }) => line),
    rows,
    /** Its only job; one that is not there has a state of its own, for the record. */
    job: (): Job => rows<Job>("select state, attempts, units from jobs")[0] ?? NO_JOB,
    /** How many alerts its outbox has whose key begins so. */
    alerts: (key: string): number =>
      rows<{ key: string }>("select key from alerts").filter((row) => row.key.startsWith(key)).length,
    /** Writes `count` files into the inbox, one item each. */
    fillInbox(count: number): void {
      for (let n = 1; n <= count; n++) {
        const text = `# Drill item ${n}\n\nThe harbour number ${n} is open. Ships may enter.\n`;
        writeFileSync(join(dir, "inbox", `item-${n}.md`), text);
      }
    },
  };
}

/** A digest of the deployment's inbox, due at once. The model is asked once an item, and once for the opening. */
export const DIGEST = {
  name: "digest",
  kind: "digest",
  every: "1d",
  timeout: "2m",
  sources: [{ folder: "./inbox", name: "Drill inbox" }],
};
