import { checkTickTime } from "../faults/oracles/bounds.ts";
import { seededRandom } from "../faults/seeded-random.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import type { TickResult } from "../runner/tick.ts";
import type { Ended } from "./machine.ts";
import { nextTick } from "./next-tick.ts";
import { operate } from "./operator-model.ts";
import type { SimulationContext } from "./set-up.ts";

/** How days pass: the timer's ticks, what comes between them, and a check of everything after each. */
export type Driver = ReturnType<typeof createDriver>;

/** The counters are derived again from the whole ledger every so many steps. */
const WHOLE_EVERY = 12;
/** How often a process that could go on is ended all the same, as the timer's is after each tick. */
const RESTART_SHARE = 0.15;

/** A driver at the first moment of the simulation. */
export function createDriver(context: SimulationContext, seed: number) {
  const { environment, machine, calendar, audit, config, overrides, report } = context;
  const { time, disk } = environment;
  const operatorRandom = seededRandom(seed, "what the operator does");
  const machineRandom = seededRandom(seed, "machine");
  let steps = 0;
  /** A process ended in the middle of a tick, and no tick has been at work since. */
  let isCrashed = false;

  /** The machine is on, whatever it was before. */
  async function on(): Promise<void> {
    const atMs = machine.offUntilMs();
    if (atMs === null) return;
    while (time.step(atMs)) await environment.quiet();
    machine.powerOn();
    audit.time.forget("boot");
    calendar.stamp(`${time.elapsedMs()} boot`);
  }

  /** What is to be done between two processes. `isThorough`: the operator handles everything now. */
  async function between(isThorough: boolean): Promise<void> {
    const due = context.between.splice(0);
    if (due.length > 0 || machineRandom.chance(RESTART_SHARE)) await machine.restart();
    for (const action of due) await action();
    disk.outside(() => context.world.sources.placeFiles());
    if (!(context.isOperatorDue || isThorough) || context.reader() === null || machine.offUntilMs() !== null)
      return;
    context.isOperatorDue = false;
    const fromMs = time.elapsedMs();
    await operate(context, operatorRandom, isThorough);
    check(fromMs, {});
  }

  async function tick(): Promise<void> {
    const fromMs = time.elapsedMs();
    const ended = await machine.run((agent) => agent.tick(), { isFresh: false });
    const today = calendar.today();
    today.ticks += 1;
    calendar.stamp(`${fromMs} tick ${ended.type}`);
    checkTick(ended, time.elapsedMs() - fromMs);
    if (ended.type === "done") {
      const names = ended.value.outputs;
      today.outputs += names.length;
      today.digests += names.filter((name) => name.endsWith(".md")).length;
      today.units += ended.value.units;
    }
    // A tick that the kill switch halts starts nothing: what a crash left running waits for the tick after the stop.
    if (ended.type !== "done") isCrashed = true;
    else if (ended.value.outcome !== "halted") isCrashed = false;
    const isWell = ended.type === "done" && ended.value.outcome !== "failed" && !disk.isFull();
    check(fromMs, { isAtRest: isWell && !isCrashed });
  }

  function checkTick(ended: Ended<TickResult>, tookMs: number): void {
    if (ended.type === "stuck") report("bounds", "a tick waits for something that never comes");
    if (ended.type === "threw") checkError(ended.error);
    if (ended.type !== "done") return;
    checkTickTime(config, tookMs, report);
    if (overrides.isConfigBroken) report("closed", "a tick ran with a configuration that must be refused");
  }

  function checkError(error: unknown): void {
    calendar.stamp(`tick threw: ${error instanceof AfkError ? error.code : String(error)}`);
    if (!(error instanceof AfkError)) {
      if (!disk.isFull()) report("bounds", `a tick threw what nobody expects: ${String(error)}`);
    } else if (error.exitCode === EXIT.config && !overrides.isConfigBroken)
      report("closed", `a sound configuration was refused: ${error.message}`);
  }

  /** Checks everything. `isWhole`: what takes longer, too. */
  function check(fromMs: number, { isAtRest = false, isWhole = false }): void {
    const reader = context.reader();
    if (reader === null) return;
    steps += 1;
    audit.check(reader, {
      isAtRest,
      isWhole: isWhole || steps % WHOLE_EVERY === 0,
      ticks: calendar.days().reduce((sum, day) => sum + day.ticks, 0),
      fromMs,
      toMs: time.elapsedMs(),
      wallMs: time.nowMs(),
    });
  }

  return {
    /** Until this much true time has passed since the beginning, or something broke. */
    async until(elapsedMs: number) {
      while (time.elapsedMs() < elapsedMs && context.violation() === null) {
        await on();
        const next = nextTick(context.reader(), time.nowMs());
        const atMs = time.elapsedMs() + next.afterMs;
        await machine.pass(Math.min(atMs, elapsedMs));
        if (machine.offUntilMs() !== null || atMs > elapsedMs) continue;
        calendar.today().idle += next.idle;
        await between(false);
        if (machine.offUntilMs() === null) await tick();
      }
    },
    on,
    between,
    check,
    steps: () => steps,
  };
}
