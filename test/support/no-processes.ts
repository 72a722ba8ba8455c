import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import workers from "node:worker_threads";

/** The quick tests start nothing: one that does belongs under the tag `processes`, and says so here. */
const refuse = (what: string) => () => {
  throw new Error(
    `${what}: a test that starts a process or a thread has the line \`// @module-tag processes\` at its top`,
  );
};

const STARTERS = ["exec", "execFile", "execFileSync", "execSync", "fork", "spawn", "spawnSync"] as const;
for (const name of STARTERS) Object.assign(childProcess, { [name]: refuse(name) });
Object.assign(workers, { Worker: refuse("Worker") });
syncBuiltinESMExports();
