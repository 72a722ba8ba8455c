import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { type Agent, openAgent, stopAgent } from "../../src/agent.ts";
import { stopOnSignals } from "../../src/cli/worker.ts";
import { familyOf } from "../../src/faults/processes.ts";
import { exec } from "../../src/jobs/exec/exec.ts";
import { execSettings } from "../../src/jobs/exec/settings.ts";
import type { JobContext, JobKind } from "../../src/jobs/job.ts";
import type { WedgeLimits } from "../../src/runner/wedge/steps.ts";

/**
 * What `afk run`, `afk tick` and `afk stop` do, with one more kind of job, `misbehave`, which does what its setting `how`
 * says: `node misbehave.ts run|ticks|stop FOLDER [LIMITS]`. FOLDER holds afk.yaml and state/; LIMITS are a guard's, as
 * JSON. `ticks` runs two ticks whose jobs behave, and prints their results.
 */
const [mode = "", folder = ".", limits] = process.argv.slice(2);
const options = {
  config: `${folder}/afk.yaml`,
  state: `${folder}/state`,
  kinds: [misbehave(() => agent)],
  ownsProcess: true,
  onLogLine: (line: string) => process.stdout.write(`${line}\n`),
  ...(limits === undefined ? {} : { wedgeLimits: JSON.parse(limits) as WedgeLimits }),
};
let agent: Agent;

if (mode === "stop") {
  process.stdout.write(`${JSON.stringify(await stopAgent(options, "stopped by the test"))}\n`);
  process.exit(0);
}
agent = await openAgent(options);
stopOnSignals(agent);
if (mode === "run") {
  const code = await agent.run();
  await agent.close();
  process.exit(code);
}
const results = [await agent.tick(), await agent.tick()];
await agent.close();
process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(0);

interface Settings {
  how: "loop" | "transaction" | "ignore" | "stream" | "children" | "long" | "later";
}

function misbehave(theAgent: () => Agent): JobKind<Settings> {
  return {
    kind: "misbehave",
    settings: v.object({
      how: v.picklist(["loop", "transaction", "ignore", "stream", "children", "long", "later"]),
    }),
    async run(context) {
      if (mode === "run") await doHow(context, theAgent());
      return { units: 1, summary: "it behaved" };
    },
  };
}

async function doHow(context: JobContext<Settings>, theAgent: Agent): Promise<void> {
  const ask = (name: string) => context.complete(name, { messages: [{ role: "user", content: name }] });
  // Said when nothing is awaited any more: what comes next must find the process as it is meant to be found.
  const say = () => context.log.event("info", "misbehaving");
  await ask("while it behaves");
  switch (context.settings.how) {
    case "loop":
      say();
      for (;;);
    case "transaction":
      return await theAgent.rails.store.atomically(async (trx) => {
        await trx.insertInto("seen").values({ job_name: "bad", key: "half done", seen_at: 0 }).execute();
        say();
        blockForEver();
      });
    case "children":
      await spawnChildren(context);
      say();
      return blockForEver();
    case "later":
      // The job is done, and so is its tick, when what it left behind stops the event loop.
      setTimeout(() => {
        say();
        blockForEver();
      }, 3_000);
      return;
    case "stream":
      say();
      return void (await ask("the server stops in the middle"));
    case "ignore":
      say();
      for (let n = 0; ; n++) {
        await ask(`again ${n}`).catch(() => undefined);
        await sleep(20);
      }
    case "long":
      say();
      return await workForSeconds();
  }
}

/** As a call into a library does that waits for what never comes: it takes no processor time from the other cases. */
function blockForEver(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** A child that has a child, both in the group of this process; and a command of the kind `exec`, which is in none of ours. */
async function spawnChildren(context: JobContext): Promise<void> {
  const script = 'trap "" TERM; sleep 300 & echo $$ $!; wait';
  const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
  await once(child.stdout, "data");

  const told = join(folder, "exec-children");
  const command = ["sh", "-c", script.replace("echo $$ $!", `echo > '${told}'`)];
  const settings = v.parse(execSettings, { command, cwd: folder, max_output_kb: 1 });
  // Nothing comes of it: the process does not live to see its end.
  void exec.run({ ...context, settings }).catch(() => undefined);
  while (!existsSync(told) || readFileSync(told, "utf8") === "") await sleep(20);
  // What the command says of its pids is right in its own namespace alone.
  const family = familyOf(process.pid).filter(({ pid }) => pid !== process.pid);
  writeFileSync(join(folder, "children"), family.map(({ pid }) => pid).join(" "));
}

/** Busy, but never for long at a stretch. */
async function workForSeconds(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    const until = performance.now() + 30;
    while (performance.now() < until);
    await sleep(50);
  }
}
