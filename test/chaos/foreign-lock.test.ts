import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { guard } from "../../src/rails/guard.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { asked, type Deployment, deployment, digestConfig, fillInbox } from "../support/afk.ts";
import { isChaos, patience, report } from "../support/chaos.ts";
import { startChild } from "../support/child.ts";
import { entries, guardedCall, thrown } from "../support/rails.ts";
import { railsOn } from "../support/rails-on.ts";
import { tempDir } from "../support/temp.ts";

const PROGRAM = fileURLToPath(new URL("support/lock-program.ts", import.meta.url));
/** Longer than a statement of SQLite waits by its own time-out, and shorter than a lease. */
const HOLD_MS = isChaos() ? 20_000 : 7_000;
const LIMIT = patience({ test: 180_000, chaos: 600_000 });

/** A program that is not afk's takes the write lock of the database; resolves once it has it. */
async function hold(path: string, begin: string, ms = HOLD_MS) {
  const program = await startChild(PROGRAM, [path, begin, String(ms)]);
  await program.go();
  return program;
}

/** An agent that has ticked before, with one item to be asked about and then an opening to be written. */
async function ticked() {
  const server = await startModelEndpoint("ollama");
  onTestFinished(() => server.close());
  const target = deployment(digestConfig(server.url));
  expect((await target.afk(["tick"])).code).toBe(0);
  fillInbox(target, 1);
  return { server, target, path: join(target.state, "afk.db") };
}

function expectNothingLost(target: Deployment, requests: string[]): void {
  expect(requests).toEqual(["item-01", "lead"]);
  expect(target.query("select state, count(*) as n from ledger group by state")).toEqual([
    { state: "settled", n: 2 },
  ]);
  expect(target.query("select distinct state from jobs")).toEqual([{ state: "done" }]);
}

/** Each is a deployment of its own, so that they can hold at the same time. */
const MOMENTS: Record<string, () => Promise<void>> = {
  ...beforeTick("begin immediate"),
  ...beforeTick("begin exclusive"),
  ...inCall(1),
  ...inCall(2),
  async "at the end of a job, and while the loop idles"() {
    const target = deployment({
      agent: "test-agent",
      budget: { daily_cap_usd: 1 },
      models: { chain: ["extractive"] },
      jobs: [
        {
          name: "work",
          kind: "exec",
          every: "1d",
          command: ["sh", "-c", "while [ ! -e go ]; do sleep 0.1; done"],
        },
      ],
    });
    const path = join(target.state, "afk.db");
    const loop = target.start(["run"]);
    await loop.logged("job_started");
    await hold(path, "begin immediate");
    target.write("go", "");
    await loop.logged("job_done");
    await hold(path, "begin exclusive");
    expect(await target.afk(["enqueue", "work"])).toMatchObject({ code: 0, stderr: "" });
    await loop.printed(/(?:"event":"job_done"[\s\S]*){2}/);
    loop.kill("SIGTERM");
    expect(await loop.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
    expect(target.query("select state, attempts from jobs")).toEqual([
      { state: "done", attempts: 1 },
      { state: "done", attempts: 1 },
    ]);
    expect(target.events()).not.toContain("wedged");
  },
  async "while afk stop is called, which makes the STOP file then"() {
    const { target, path } = await ticked();
    const program = await hold(path, "begin immediate", 60_000);
    const stopped = await target.afk(["stop", "--json"]);
    await program.kill();
    expect(stopped).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(stopped.stdout)).toMatchObject({ by: "file" });
  },
};

it(
  "loses nothing and buys nothing twice while another program holds the database for longer than SQLite waits",
  async () => {
    const held = Object.entries(MOMENTS).map(async ([moment, attack]) => {
      await attack().catch((cause: unknown) => {
        throw new Error(moment, { cause });
      });
    });
    await Promise.all(held);
    report("another program holds the database", held.length);
  },
  LIMIT,
);

/** The tick waits, and reading commands do not. */
function beforeTick(begin: string): typeof MOMENTS {
  return {
    async [`before a tick (${begin})`]() {
      const { server, target, path } = await ticked();
      await hold(path, begin);
      const tick = target.start(["tick", "--now", "digest"]);
      for (const command of ["status", "health"])
        expect(await target.afk([command]), command).toMatchObject({ code: 0, stderr: "" });
      expect(await tick.ended).toMatchObject({ code: 0, stderr: "" });
      expectNothingLost(target, asked(server));
    },
  };
}

function inCall(call: 1 | 2): typeof MOMENTS {
  return {
    async [`in the middle of call ${call}`]() {
      const { server, target, path } = await ticked();
      const slow: Behaviour = {
        type: "slow",
        gate: async (piece) => (piece === 0 ? await hold(path, "begin immediate") : undefined),
      };
      server.script(call === 1 ? [slow] : [{ type: "reply" }, slow]);
      expect(await target.afk(["tick", "--now", "digest"])).toMatchObject({ code: 0, stderr: "" });
      expectNothingLost(target, asked(server));
    },
  };
}

it(
  "a program that holds it for longer than there is patience is named, and nothing that may have been paid for is given back",
  async () => {
    const dir = tempDir();
    const path = join(dir, "afk.db");
    const store = await openStore(path, PATIENCE_MS);
    onTestFinished(() => store.close());
    const rails = railsOn(store, dir);
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 10);
    onTestFinished(() => clearInterval(turning));
    let program: Awaited<ReturnType<typeof hold>> | undefined;
    const call = guardedCall(rails, {
      async perform() {
        program = await hold(path, "begin immediate", 60_000);
        turns = 0;
        return { costMicros: 400, inputTokens: 7, outputTokens: 3, value: "text" };
      },
    });
    const refused = await thrown(guard(rails, call));
    expect(refused).toMatchObject({ code: "store_busy", exitCode: 1 });
    expect(String(refused)).toMatch(/process \d+ \(.*\) holds .*afk\.db and lets nobody else write/);
    // Timers ran meanwhile: so would the kill watch, and the sign of life that the guard looks for.
    expect(turns).toBeGreaterThan(20);
    expect((await entries(rails)).map(({ state }) => state)).toEqual(["sending"]);
    await program?.kill();
    expect(await guard(rails, guardedCall(rails))).toBe("text");
  },
  LIMIT,
);

const PATIENCE_MS = 2_000;
