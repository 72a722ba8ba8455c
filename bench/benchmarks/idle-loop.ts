import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Agent } from "../../src/agent.ts";
import { openBenchAgent } from "../harness/agent.ts";
import type { Benchmark, Row } from "../harness/benchmark.ts";
import { imageApp } from "../harness/image-app.ts";
import { askingModel, localModel } from "../harness/model.ts";
import { type ProcessFigures, processFigures } from "../harness/proc.ts";
import { start } from "../harness/processes.ts";
import { spreadOf } from "../harness/statistics.ts";

const OPEN_AND_WAIT = fileURLToPath(new URL("../harness/open-and-wait.mjs", import.meta.url));
/** As many as an hour has when one comes every minute. */
const DIGESTS = 60;
const WATCH_MS = 30_000;
/**
 * Until it idles: connections that were kept open for the next request are closed after some seconds, and V8 collects
 * garbage for a while after that.
 */
const SETTLE_MS = 45_000;

/** A loop that has done an hour's work and has none left. */
export const idleLoop: Benchmark = {
  name: "idle-loop",
  question:
    "What does `afk run` take when it idles, after the work of an hour (60 digests, each asked for by hand)?",
  async run(tools) {
    if (process.platform !== "linux") return [notRun("/proc, where it is read, is Linux's")];
    const app = await imageApp(tools);
    const server = await localModel(tools);
    const folder = tools.folder();
    mkdirSync(join(folder, "inbox"));
    const agent = await openBenchAgent(tools, {
      folder,
      changes: {
        ...askingModel(server),
        jobs: [{ name: "digest", kind: "digest", every: "365d", sources: [{ folder: "./inbox" }] }],
      },
    });
    const state = join(folder, "state");
    // No tick by the clock falls into the time that is watched.
    const child = start(
      app.afk(["run"], { config: join(folder, "afk.yaml"), state }, { TICK_SECONDS: "86400" }),
    );
    tools.after(() => child.kill("SIGKILL"));
    const { pid } = child;
    if (pid === undefined) throw new Error("afk run did not start");
    tools.say(`${DIGESTS} digests`);
    for (let count = 1; count <= DIGESTS; count++) await digestOnce(agent, folder, count);
    await delay(SETTLE_MS);
    const script = join(app.folder, "open-and-wait.mjs");
    copyFileSync(OPEN_AND_WAIT, script);
    const database = join(state, "afk.db");
    const [bare, threaded] = [
      start(app.script(script, [database])),
      start(app.script(script, [database, "thread"])),
    ];
    tools.after(() => bare.kill("SIGKILL"));
    tools.after(() => threaded.kill("SIGKILL"));
    tools.say(`watching it idle for ${WATCH_MS / 1_000} s`);
    const before = figuresOf(pid);
    await delay(WATCH_MS);
    const after = figuresOf(pid);
    if (bare.pid === undefined || threaded.pid === undefined) throw new Error("node did not start");
    return rowsOf(before, after, { bare: figuresOf(bare.pid), threaded: figuresOf(threaded.pid) });
  },
};

function rowsOf(
  before: ProcessFigures,
  after: ProcessFigures,
  { bare, threaded }: { bare: ProcessFigures; threaded: ProcessFigures },
): Row[] {
  const seconds = WATCH_MS / 1_000;
  const cpu = ((after.cpuMs - before.cpuMs) / WATCH_MS) * 100;
  return [
    {
      subject: "resident memory of afk run",
      baseline: null,
      result: { type: "figure", value: after.residentMegabytes, unit: "MB", note: "at the end" },
      goal: { atMost: 120 },
    },
    memoryRow("resident memory of afk run", after, bare),
    {
      subject: "wakes of all its threads (voluntary context switches)",
      baseline: null,
      result: {
        type: "figure",
        value: (after.wakes - before.wakes) / seconds,
        unit: "/s",
        note: `over ${seconds} s; ${cpu.toFixed(2)} % of one core`,
      },
      goal: { atMost: 2 },
    },
    memoryRow("node with a second thread that does nothing, as the wedge guard is one", threaded, bare),
  ];
}

function memoryRow(subject: string, { residentMegabytes }: ProcessFigures, bare: ProcessFigures): Row {
  return {
    subject,
    baseline: "node with better-sqlite3 and the same database open",
    result: {
      type: "ratio",
      ratio: spreadOf([residentMegabytes / bare.residentMegabytes]),
      sides: `${residentMegabytes.toFixed(0)} MB against ${bare.residentMegabytes.toFixed(0)} MB`,
    },
    goal: null,
  };
}

/** Something new to tell of, a job asked for by hand, and a wait until the loop has done it. */
async function digestOnce(agent: Agent, folder: string, count: number): Promise<void> {
  writeFileSync(
    join(folder, "inbox", `note-${count}.md`),
    `# Note ${count}\n\nShip ${count} is in the harbour.\n`,
  );
  await agent.enqueue("digest", { key: `digest-${count}` });
  for (let look = 0; look < 600; look++) {
    await delay(50);
    const { queue } = await agent.status();
    if (queue.ready + queue.running === 0) return;
  }
  throw new Error(`digest ${count} was not made within 30 s`);
}

function figuresOf(pid: number): ProcessFigures {
  const figures = processFigures(pid);
  if (figures === null) throw new Error("no figures of a running process");
  return figures;
}

function notRun(reason: string): Row {
  return { subject: "afk run", baseline: null, result: { type: "not_run", unit: "x", reason }, goal: null };
}
