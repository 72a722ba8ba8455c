import { AfkError, EXIT } from "../lib/errors.ts";
import type { TickResult } from "../runner/tick.ts";
import { checkTickTime } from "./checks/bounds.ts";
import type { Stage } from "./context.ts";
import { createDice } from "./environment/seeded-random.ts";
import type { Ended } from "./machine.ts";
import { nextTick } from "./next-tick.ts";
import { look } from "./operator-model.ts";

/** How days pass: the timer's ticks, what comes between them, and a look at everything after each. */
export interface Course {
  /** Until this much true time has passed since the beginning, or something broke. */
  until(elapsedMs: number): Promise<void>;
  /** The machine is on, whatever it was before. */
  on(): Promise<void>;
  /** What is to be done between two processes. `isThorough`: the person sees to everything now. */
  between(isThorough: boolean): Promise<void>;
  /** Looks at everything. `isWhole`: at what takes longer, too. */
  check(fromMs: number, how: { isAtRest: boolean; isWhole: boolean }): void;
  steps(): number;
}

/** The counters are derived again from the whole ledger every so many steps. */
const WHOLE_EVERY = 12;
/** How often a process that could go on is ended all the same, as the timer's is after each tick. */
const RESTART_SHARE = 0.15;

export function createCourse(stage: Stage, seed: number): Course {
  const { realm, machine, calendar, audit, config, hands, report } = stage;
  const { time, disk } = realm;
  const personDice = createDice(seed, "what the person does");
  const machineDice = createDice(seed, "machine");
  let steps = 0;

  async function on(): Promise<void> {
    const atMs = machine.offUntilMs();
    if (atMs === null) return;
    while (time.step(atMs)) await realm.quiet();
    machine.powerOn();
    audit.time.forget("boot");
    calendar.stamp(`${time.elapsedMs()} boot`);
  }

  async function between(isThorough: boolean): Promise<void> {
    const due = stage.between.splice(0);
    if (due.length > 0 || machineDice.chance(RESTART_SHARE)) await machine.restart();
    for (const deed of due) await deed();
    disk.outside(() => stage.world.sources.placeFiles());
    if (!(stage.isPersonDue || isThorough) || stage.books() === null || machine.offUntilMs() !== null) return;
    stage.isPersonDue = false;
    const fromMs = time.elapsedMs();
    await look(stage, personDice, isThorough);
    check(fromMs, { isAtRest: false, isWhole: false });
  }

  async function tick(): Promise<void> {
    const fromMs = time.elapsedMs();
    const ended = await machine.run((agent) => agent.tick(), { isFresh: false });
    const today = calendar.today();
    today.ticks += 1;
    calendar.stamp(`${fromMs} tick ${ended.type}`);
    judge(ended, time.elapsedMs() - fromMs);
    if (ended.type === "done") {
      const names = ended.value.outputs;
      today.outputs += names.length;
      today.digests += names.filter((name) => name.endsWith(".md")).length;
      today.units += ended.value.units;
    }
    const isAtRest = ended.type === "done" && ended.value.outcome !== "failed" && !disk.isFull();
    check(fromMs, { isAtRest, isWhole: false });
  }

  function judge(ended: Ended<TickResult>, tookMs: number): void {
    switch (ended.type) {
      case "killed":
        return;
      case "stuck":
        report("bounds", "a tick waits for something that never comes");
        return;
      case "done":
        checkTickTime(config, tookMs, report);
        if (hands.isConfigBroken) report("closed", "a tick ran with a configuration that must be refused");
        return;
      case "threw":
        judgeError(ended.error);
        return;
    }
  }

  function judgeError(error: unknown): void {
    calendar.stamp(`tick threw: ${error instanceof AfkError ? error.code : String(error)}`);
    if (!(error instanceof AfkError)) {
      if (!disk.isFull()) report("bounds", `a tick threw what nobody expects: ${String(error)}`);
    } else if (error.exitCode === EXIT.config && !hands.isConfigBroken)
      report("closed", `a sound configuration was refused: ${error.message}`);
  }

  function check(fromMs: number, { isAtRest, isWhole }: { isAtRest: boolean; isWhole: boolean }): void {
    const books = stage.books();
    if (books === null) return;
    steps += 1;
    audit.check(books, {
      isAtRest,
      isWhole: isWhole || steps % WHOLE_EVERY === 0,
      ticks: calendar.days().reduce((sum, day) => sum + day.ticks, 0),
      fromMs,
      toMs: time.elapsedMs(),
      wallMs: time.nowMs(),
    });
  }

  return {
    async until(elapsedMs) {
      while (time.elapsedMs() < elapsedMs && stage.violation() === null) {
        await on();
        const next = nextTick(stage.books(), time.nowMs());
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
