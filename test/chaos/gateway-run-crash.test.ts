import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { chargedMicros, findBreaches } from "../../src/faults/oracles/inspect.ts";
import { isChaos, patience, report } from "../support/chaos.ts";
import { type GatewayJob, gatewayJob } from "../support/gateway-job.ts";

const WORDS = ["one", "two", "three", "four", "five"];
const CAP_MICROS = 20_000;
const PRELOAD = fileURLToPath(new URL("./support/crash-preload.ts", import.meta.url));
/** Both sides of a step come up, one after the other; `npm run chaos` takes every point. */
const STRIDE = 3;
/** Processes at a time: what this machine has cores. */
const LANES = 2;

it(
  "buys each answer of a run once, whatever durable step afk is killed at",
  async () => {
    const plain = await prepare();
    expect((await tick(plain, "")).code).toBe(0);
    const steps = stepsOf(plain);
    checkEnd(plain, 0);
    for (const wanted of ["ledger", "answers", "jobs", "processes"])
      expect(steps.some((step) => step.includes(wanted))).toBe(true);

    const all = steps.flatMap((_step, index) => [`${index + 1}:before`, `${index + 1}:after`]);
    const points = all.filter((_point, index) => isChaos() || index % STRIDE === 0);
    let bought = 0;
    let replayed = 0;
    const queue = points.values();
    const lane = async () => {
      for (const point of queue) {
        const at = await prepare();
        try {
          let crashes = 0;
          for (let run = 0; run < 2; run++) {
            const exit = await tick(at, point);
            if (exit.signal === "SIGKILL") crashes += 1;
            else expect(exit.code, exit.stderr).toBe(0);
          }
          expect((await tick(at, "")).code).toBe(0);
          checkEnd(at, crashes);
          bought += at.server.requests.length - WORDS.length;
          replayed += at.seen().filter((each) => each.replayed !== null).length;
        } catch (error) {
          const step = steps[Number.parseInt(point, 10) - 1];
          throw new Error(`killed at ${point} (${step}): ${error instanceof Error ? error.message : error}`, {
            cause: error,
          });
        } finally {
          await at.server.close();
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    report("crash points of a run", points.length, `${bought} bought again, ${replayed} replayed`);
    expect(replayed).toBeGreaterThan(0);
  },
  patience({ test: 600_000, chaos: 1_800_000 }),
);

it(
  "charges both where requests that were side by side on their way at a SIGKILL are bought again",
  async () => {
    let again = 0;
    for (let arrived = 1; arrived <= WORDS.length; arrived++) {
      const at = await gatewayJob(WORDS, {
        budget: { daily_cap_usd: CAP_MICROS / 1_000_000 },
        prelude: `export async function prelude({ words, ask }) {
  const lines = await Promise.all(words.map((word) => ask(word)));
  process.exit(lines.every(({ status }) => status === 200) ? 0 : 3);
}`,
      });
      // The earlier half is answered at once, so that some are recorded and some on their way.
      at.server.script(Array.from({ length: 2 }, () => ({ type: "reply" })));
      at.server.otherwise({ type: "slow", everyMs: 100 });
      const worker = at.target.start(["tick"]);
      await at.server.request(arrived);
      worker.kill("SIGKILL");
      expect(await worker.ended).toMatchObject({ signal: "SIGKILL" });
      const before = at.asked().length;
      expect((await at.target.afk(["tick"])).code).toBe(0);
      const asked = at.asked();
      again += asked.length - WORDS.length;
      const [unknown] = at.target.query<{ n: number }>(
        "select count(*) as n from ledger where state = 'unknown'",
      );
      expect(asked.length - WORDS.length).toBeLessThanOrEqual(unknown?.n ?? 0);
      expect(unknown?.n).toBeLessThanOrEqual(WORDS.length);
      for (const word of WORDS) expect(asked.filter((each) => each === word).length).toBeLessThanOrEqual(2);
      checkBooks(at);
      expect(before).toBeGreaterThanOrEqual(arrived);
    }
    report("kills with requests side by side", WORDS.length, `${again} bought again`);
  },
  patience({ test: 200_000, chaos: 200_000 }),
);

function checkEnd(at: GatewayJob, crashes: number): void {
  const { target } = at;
  expect(target.query("select state, count(*) as n from jobs group by state")).toEqual([
    { state: "done", n: 1 },
  ]);
  // Each word was answered in the run that was done, in its order.
  const last = at.seen().slice(-WORDS.length);
  expect(last.map(({ word, status }) => `${word} ${status}`)).toEqual(WORDS.map((word) => `${word} 200`));
  // Beyond once there is at most the request that was on its way at a kill, and the ledger holds both.
  const asked = at.asked();
  expect(new Set(asked)).toEqual(new Set(WORDS));
  expect(asked.length).toBeLessThanOrEqual(WORDS.length + crashes);
  const [unknown] = target.query<{ n: number }>("select count(*) as n from ledger where state = 'unknown'");
  expect(unknown?.n).toBeLessThanOrEqual(crashes);
  expect(asked.length).toBeLessThanOrEqual(WORDS.length + (unknown?.n ?? 0));
  checkBooks(at);
}

/** Each word is paid for once, whatever is unknown stays charged, and all of it is below the cap. */
function checkBooks(at: GatewayJob): void {
  const { target } = at;
  const [settled] = target.query<{ n: number }>("select count(*) as n from ledger where state = 'settled'");
  expect(settled?.n).toBe(WORDS.length);
  // What the provider bills is in the books, and below the cap.
  const charged = chargedMicros(target.state);
  expect(at.billMicros()).toBeLessThanOrEqual(charged);
  expect(charged).toBeLessThanOrEqual(CAP_MICROS);
  expect(target.query("select id from ledger where state in ('reserved', 'sending')")).toEqual([]);
  const homes = join(target.state, "homes");
  expect(existsSync(homes) ? readdirSync(homes) : []).toEqual([]);
  expect(findBreaches(target.state)).toEqual([]);
}

function prepare(): Promise<GatewayJob> {
  return gatewayJob(WORDS, { budget: { daily_cap_usd: CAP_MICROS / 1_000_000 } });
}

function tick({ target }: GatewayJob, point: string) {
  target.write("steps.log", "");
  return target.afk(["tick"], {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    CRASH_LOG: join(target.dir, "steps.log"),
    CRASH_AT: point,
  });
}

function stepsOf({ target }: GatewayJob): string[] {
  return readFileSync(join(target.dir, "steps.log"), "utf8").trim().split("\n");
}
