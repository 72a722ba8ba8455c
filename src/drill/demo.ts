import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Agent } from "../agent.ts";
import { type ModelEndpoint, startModelEndpoint } from "../faults/model-endpoint.ts";
import { makeScratch } from "../faults/scratch.ts";
import { systemClock } from "../lib/clock.ts";
import { assert } from "../lib/errors.ts";
import { formatUsd, MICROS_PER_USD, usdFromMicros } from "../lib/money.ts";
import type { ModelRequest } from "../providers/types.ts";
import type { CapRefusal } from "../rails/budget-notices.ts";
import { CapReached, Killed } from "../rails/halt.ts";
import { BILLED, CAP_MICROS, longRequest, openDemoAgent, USAGE } from "./demo-agent.ts";

/** Who watches the demonstration. */
interface Audience {
  /** A new line of the story. */
  onLine(line: string): void;
  /** After each call of the runaway that was answered, and once at its end: what the endpoint has billed by then. */
  onSpend(spend: { calls: number; billMicros: number; capMicros: number }): void;
}

/** How the demonstration is given. */
export interface DemoOptions extends Audience {
  /** Slow enough to be followed; else as fast as it goes. */
  isPaced: boolean;
  /** Ends it from outside. */
  signal: AbortSignal;
  /** A folder for its scratch state, where the system's folder for temporary files has no room. */
  otherwise: string;
  /** Starts the model's server; tests start one that bills more than it says. */
  startEndpoint?: () => Promise<ModelEndpoint>;
}

/** What the demonstration has shown, as `afk demo --json` prints it. */
export interface DemoResult {
  /** False when anything was not as it must be; `problems` says what. */
  ok: boolean;
  capUsd: number;
  /** By the endpoint's own bill. */
  billUsd: number;
  /** By afk's ledger: what is settled, and what is unknown at its worst case. */
  chargedUsd: number;
  /** Calls that reached the model. */
  calls: number;
  refusedByCap: number;
  refusedByStop: number;
  /** From the STOP file to the end of the call in flight; null when it did not end. */
  stopToAbortMs: number | null;
  problems: string[];
}

const SHORT_OUTPUT_TOKENS_MAX = 128;
/** A runaway that has not met the cap by then never will. */
const CALLS_MAX = 1_000;
const TRIES = { cap: 25, stop: 10 };
const ABORT_MS_MAX = 10_000;
const PIECE_MS = 25;
const PAUSE_MS = 1_200;

/**
 * An agent that runs away, with the product's own guard and database: it meets the cap, tries on, and is stopped by the STOP
 * file in the middle of a call. The model is a server on 127.0.0.1 with a bill of its own. Leaves nothing behind.
 * @throws the signal's reason when it aborts.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { startEndpoint = () => startModelEndpoint("openai") } = options;
  const dir = makeScratch(`afk-demo-${process.pid}-`, tmpdir(), options.otherwise);
  try {
    const endpoint = await startEndpoint();
    try {
      const agent = await openDemoAgent(dir, endpoint.url);
      try {
        const { stopFile } = agent.config.paths;
        return await play({
          ...options,
          agent,
          endpoint,
          stopFile,
          billMicros: () => endpoint.billMicros(BILLED),
        });
      } finally {
        await agent.close();
      }
    } finally {
      await endpoint.close();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Scene extends DemoOptions {
  agent: Agent;
  endpoint: ModelEndpoint;
  stopFile: string;
  billMicros(): number;
}

async function play(scene: Scene): Promise<DemoResult> {
  const { endpoint, onLine, billMicros } = scene;
  const problems: string[] = [];
  const check = (isSo: boolean, problem: string) => {
    if (!isSo) problems.push(problem);
  };

  onLine("An agent wants its answer perfect, and asks again and again.");
  const refusal = await runAway(scene);
  check(refusal !== null, `the cap was not met in ${CALLS_MAX} calls`);
  if (refusal !== null) onLine(capText(refusal));
  await pause(scene);

  const callsAtCap = endpoint.requests.length;
  const refusedByCap = await tryOn(scene, TRIES.cap, CapReached);
  check(refusedByCap === TRIES.cap, `${TRIES.cap - refusedByCap} calls passed the cap`);
  check(endpoint.requests.length === callsAtCap, "a call that the cap refused reached the model");
  onLine(`It tries ${TRIES.cap} more times: ${refusedByCap} refused, none reached the model.`);
  await pause(scene);

  const stopToAbortMs = await stopInMidCall(scene);
  check(stopToAbortMs !== null, "the STOP file did not end the call in flight");
  await pause(scene);

  const callsAtStop = endpoint.requests.length;
  const refusedByStop = await tryOn(scene, TRIES.stop, Killed);
  check(refusedByStop === TRIES.stop, `${TRIES.stop - refusedByStop} calls passed the switch`);
  check(endpoint.requests.length === callsAtStop, "a call reached the model after the STOP file");
  onLine(`It tries ${TRIES.stop} more times: ${refusedByStop} refused, until a person clears the switch.`);

  const [bill, charged] = [billMicros(), await chargedMicros(scene.agent)];
  check(bill <= CAP_MICROS, `the bill, ${formatUsd(bill)}, is over the cap, ${formatUsd(CAP_MICROS)}`);
  check(bill <= charged, `the bill, ${formatUsd(bill)}, is over what afk charged, ${formatUsd(charged)}`);
  check(charged <= CAP_MICROS, `what afk charged, ${formatUsd(charged)}, is over the cap`);
  return {
    ok: problems.length === 0,
    capUsd: usdFromMicros(CAP_MICROS),
    billUsd: usdFromMicros(bill),
    chargedUsd: usdFromMicros(charged),
    calls: endpoint.requests.length,
    ...{ refusedByCap, refusedByStop, stopToAbortMs, problems },
  };
}

/** Asks until the cap refuses, and gives the refusal; null when it never does. */
async function runAway(scene: Scene): Promise<CapRefusal | null> {
  const { endpoint, onSpend, isPaced } = scene;
  const everyMs = isPaced ? { everyMs: PIECE_MS } : {};
  endpoint.otherwise({ ...{ type: "reply", text: "Not perfect yet.", usage: USAGE }, ...everyMs });
  for (let n = 1; n <= CALLS_MAX; n++) {
    try {
      await ask(scene, longRequest(n));
    } catch (error) {
      if (error instanceof CapReached) return error.refusal;
      throw error;
    }
    onSpend({ calls: endpoint.requests.length, billMicros: scene.billMicros(), capMicros: CAP_MICROS });
  }
  return null;
}

/** How many of so many calls were refused by this rail. */
async function tryOn(scene: Scene, times: number, rail: typeof CapReached | typeof Killed): Promise<number> {
  let refused = 0;
  for (let n = 1; n <= times; n++) {
    try {
      await ask(scene, longRequest(CALLS_MAX + n));
    } catch (error) {
      if (!(error instanceof rail)) throw error;
      refused += 1;
    }
  }
  return refused;
}

/** Makes a call that still fits under the cap and sets the STOP file while the model is at it. */
async function stopInMidCall(scene: Scene): Promise<number | null> {
  const { endpoint, onLine, stopFile } = scene;
  endpoint.otherwise({ type: "stall", pieces: 1 });
  const call = endpoint.requests.length + 1;
  const messages = [{ role: "user" as const, content: "Something shorter, then. Think it over at length." }];
  const outcome = ask(scene, { messages, maxOutputTokens: SHORT_OUTPUT_TOKENS_MAX }).then(
    () => null,
    (error: unknown) => error,
  );
  onLine("It asks for less, which still fits. The model thinks, and thinks …");
  const request = await Promise.race([endpoint.request(call), outcome]);
  if (request === null || request instanceof Error) throw request ?? new Error("the model answered at once");
  await pause(scene);
  onLine("touch STOP");
  writeFileSync(stopFile, "the demonstration\n");
  const startedMs = systemClock.uptimeMs();
  const timeout = AbortSignal.timeout(ABORT_MS_MAX);
  const error = await Promise.race([outcome, once(timeout, "abort").then(() => null)]);
  scene.signal.throwIfAborted();
  if (!(error instanceof Killed)) return null;
  const tookMs = systemClock.uptimeMs() - startedMs;
  onLine(`Cut off after ${tookMs} ms. What it cost is unknown: kept at its worst.`);
  return tookMs;
}

async function ask({ agent, signal }: Scene, request: ModelRequest): Promise<void> {
  await agent.model.complete(request, { signal });
}

function capText({ cap, spent, estimate }: CapRefusal): string {
  const [left, most] = [cap - spent, estimate].map((micros) => `$${usdFromMicros(micros).toFixed(4)}`);
  return `The cap has ${left} left, a call may cost ${most}: refused unsent.`;
}

/** Settled, and unknown at its worst case. */
async function chargedMicros(agent: Agent): Promise<number> {
  const { spend } = await agent.status();
  const { settledUsd, reservedUsd } = spend.find(({ window }) => window === "day") ?? {};
  assert(settledUsd !== undefined && reservedUsd !== undefined, "the demonstration has no cap of a day");
  return Math.round((settledUsd + reservedUsd) * MICROS_PER_USD);
}

async function pause({ isPaced, signal }: Scene): Promise<void> {
  if (isPaced) await systemClock.sleep(PAUSE_MS, signal);
}
