import fc from "fast-check";
import { expect } from "vitest";
import type { Amounts, Caps } from "../../../src/lib/windows.ts";
import { countersAgree } from "../../../src/ops/counters.ts";
import { reconcile } from "../../../src/rails/reconcile.ts";
import { recoverCalls } from "../../../src/rails/recover.ts";
import { ended, markSending, RELEASED, settledAt, tryReserve, UNKNOWN } from "../../support/rails.ts";
import { budgetOf, type RailsOn } from "../../support/rails-on.ts";
import { above, type Line, type Model, readTime, refusing, rows } from "./budget-model.ts";

/** The rails under attack. `reopen` closes the database and opens it again, as the next process would. */
export interface Real {
  rails: RailsOn;
  reopen(): Promise<void>;
  /** What the run has met, so that an attack that never got anywhere shows. */
  met: { commands: number; accepted: number; refused: number; overruns: number; recovered: number };
}

type Command = fc.AsyncCommand<Model, Real>;
const DEADLINE_MS = 360_000;
/** Around the end of the last hour, where a minute too few or too many would show. */
const HOURS = [3_540_000, 3_600_000, 3_659_999, 3_660_000];

/** What may happen to a budget. Each command does it to both, and then both must say the same. */
export function budgetCommands(): fc.Arbitrary<Command>[] {
  const pick = fc.nat(15);
  const estimate = fc.oneof(fc.nat(600), fc.constantFrom(0, 1, 1_000, 2_000));
  const scope = (names: string[]) => fc.option(fc.constantFrom(...names), { nil: null, freq: 2 });
  const reserve = fc
    .record({
      estimate: estimate.chain(withTokens),
      tick: scope(["t1", "t2"]),
      job: scope(["j1", "j2"]),
      runner: scope(["me", "gone"]),
    })
    .map(reserving);
  const often = [reserve, reserve, reserve, reserve, reserve, pick.map(sending), pick.map(sending)];
  return [
    ...often,
    fc.tuple(pick, fc.constantFrom(0, 0.4, 1, 1, 1.8)).map(settling),
    fc.tuple(pick, fc.constantFrom(0, 0.4, 1, 1, 1.8)).map(settling),
    pick.map(releasing),
    pick.map(endingUnknown),
    fc.tuple(pick, fc.constantFrom(0, 0.5, 1, 2.5)).map(reconciling),
    fc.oneof(fc.constantFrom(...HOURS), fc.nat(90_000), fc.nat(5_400_000), fc.nat(200_000_000)).map(waiting),
    fc.oneof(fc.integer({ min: -400_000, max: 400_000 }), days(400)).map(jumping),
    days(40).map(rebooting),
    capsArbitrary().map(recapping),
    fc.constant(reopening()),
    fc.constant(recovering()),
  ];
}

function withTokens(micros: number): fc.Arbitrary<Amounts> {
  return fc.nat(400).map((tokens) => ({ micros, tokens, calls: 1 }));
}

function days(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: -most * 24, max: most * 24 }).map((hours) => hours * 3_600_000 + 61_003);
}

function capsArbitrary(): fc.Arbitrary<Caps> {
  const cap = fc.option(fc.constantFrom(0, 400, 1_000, 2_500), { nil: undefined, freq: 2 });
  const micros = { hour_micros: cap, week_micros: cap, month_micros: cap, job_micros: cap, tick_micros: cap };
  const calls = fc.option(fc.constantFrom(0, 2, 5), { nil: undefined, freq: 1 });
  const tokens = fc.option(fc.constantFrom(0, 300, 2_000), { nil: undefined, freq: 1 });
  return fc.record({
    day_micros: fc.constantFrom(0, 600, 1_500, 2_500, 4_000),
    ...micros,
    ...{ hour_calls: calls, week_calls: calls, job_calls: calls },
    ...{ day_tokens: tokens, week_tokens: tokens, tick_tokens: tokens },
  }) as fc.Arbitrary<Caps>;
}

function reserving(call: Pick<Line, "estimate" | "tick" | "job" | "runner">): Command {
  return command(`reserve(${JSON.stringify(call)})`, async (model, real) => {
    const nowMs = readTime(model);
    const refusal = refusing(model, call, nowMs);
    const { estimate, tick, job, runner } = call;
    const bound = { estimateTokens: estimate.tokens };
    const result = await tryReserve(real.rails, estimate.micros, { ...bound, scope: { tick, job }, runner });
    expect("refusal" in result ? result.refusal.window : null).toBe(refusal);
    if ("refusal" in result) {
      real.met.refused += 1;
      return;
    }
    const deadlineMs = model.wallMs + DEADLINE_MS;
    const line: Line = {
      ...call,
      id: result.entryId,
      state: "reserved",
      cost: NOTHING,
      deadlineMs,
      atMs: nowMs,
    };
    model.lines.push(line);
    expect(above(model, line)).toEqual([]);
    real.met.accepted += 1;
  });
}

const sending = (pick: number) =>
  onLine(`send(${pick})`, pick, async (line, _model, real) => {
    const isMine = line.state === "reserved";
    expect(await real.rails.store.atomically((trx) => markSending(trx, line.id))).toBe(isMine);
    if (isMine) line.state = "sending";
  });

const settling = ([pick, part]: [number, number]) =>
  onLine(`settle(${pick}, ${part})`, pick, async (line, model, real) => {
    const cost = partOf(part, line);
    const isOpen = line.state === "sending" || line.state === "unknown";
    readTime(model);
    expect(await ended(real.rails, line.id, settledAt(cost.micros, cost.tokens))).toBe(isOpen);
    if (!isOpen) return;
    // A reply that counts no tokens does not say: its bound stays.
    const tokens = cost.tokens === 0 ? line.estimate.tokens : cost.tokens;
    Object.assign(line, { state: "settled", cost: { ...cost, tokens } });
    if (cost.micros > line.estimate.micros) real.met.overruns += 1;
  });

const releasing = (pick: number) =>
  onLine(`release(${pick})`, pick, async (line, model, real) => {
    const isOpen = line.state === "reserved" || line.state === "sending";
    readTime(model);
    expect(await ended(real.rails, line.id, RELEASED)).toBe(isOpen);
    if (isOpen) line.state = "released";
  });

const endingUnknown = (pick: number) =>
  onLine(`unknown(${pick})`, pick, async (line, model, real) => {
    const isOpen = line.state === "sending";
    readTime(model);
    expect(await ended(real.rails, line.id, UNKNOWN)).toBe(isOpen);
    if (isOpen) line.state = "unknown";
  });

const reconciling = ([pick, part]: [number, number]) =>
  onLine(`reconcile(${pick}, ${part})`, pick, async (line, model, real) => {
    const cost = { ...partOf(part, line), tokens: line.estimate.tokens };
    if (line.state !== "unknown") {
      await expect(reconcile(real.rails, line.id, cost.micros)).rejects.toMatchObject({
        code: "not_unknown",
      });
      return;
    }
    readTime(model);
    await reconcile(real.rails, line.id, cost.micros);
    Object.assign(line, { state: "settled", cost });
    if (cost.micros > line.estimate.micros) real.met.overruns += 1;
  });

const NOTHING: Amounts = { micros: 0, tokens: 0, calls: 0 };

function partOf(part: number, { estimate }: Line): Amounts {
  return { micros: Math.ceil(part * estimate.micros), tokens: Math.ceil(part * estimate.tokens), calls: 1 };
}

const waiting = (ms: number) =>
  command(`wait(${ms})`, async (model, { rails }) => {
    rails.clock.advance(ms);
    model.wallMs += ms;
    model.uptimeMs += ms;
  });

const jumping = (ms: number) =>
  command(`jump(${ms})`, async (model, { rails }) => {
    rails.clock.jump(ms);
    model.wallMs += ms;
  });

const rebooting = (ms: number) =>
  command(`reboot(${ms})`, async (model, { rails }) => {
    rails.clock.reboot(ms);
    model.wallMs += ms;
    model.uptimeMs = rails.clock.uptimeMs();
    model.boot += 1;
  });

const recapping = (caps: Caps) =>
  command(`caps(${JSON.stringify(caps)})`, async (model, { rails }) => {
    model.caps = caps;
    const { warningThresholds } = rails.budget.budget;
    rails.budget = { ...rails.budget, budget: budgetOf({ ...caps, warningThresholds }) };
  });

const reopening = () => command("reopen()", async (_model, real) => await real.reopen());

const recovering = () =>
  command("recover()", async (model, real) => {
    readTime(model);
    const orphans = model.lines.filter(
      ({ state, runner, deadlineMs }) =>
        (state === "reserved" || state === "sending") &&
        ((runner !== null && runner !== "me") || deadlineMs < model.wallMs),
    );
    const unknown = orphans.filter(({ state }) => state === "sending").length;
    const released = orphans.length - unknown;
    expect(await recoverCalls(real.rails, "me")).toEqual({ unknown, released });
    for (const line of orphans) line.state = line.state === "sending" ? "unknown" : "released";
    real.met.recovered += orphans.length;
  });

function onLine(
  text: string,
  pick: number,
  run: (line: Line, model: Model, real: Real) => Promise<void>,
): Command {
  const lineOf = (model: Readonly<Model>) => model.lines[pick % Math.max(1, model.lines.length)];
  return {
    ...command(text, async (model, real) => await run(lineOf(model) as Line, model, real)),
    check: (model) => lineOf(model) !== undefined,
  };
}

function command(text: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return {
    check: () => true,
    toString: () => text,
    async run(model, real) {
      await run(model, real);
      real.met.commands += 1;
      await compare(model, real);
    },
  };
}

/** Every counter is what the list adds up to, and what the ledger adds up to. */
async function compare(model: Model, { rails }: Real): Promise<void> {
  const found = await rails.store.db.selectFrom("budget_windows").selectAll().execute();
  const counted = found.map((row) => [
    `${row.window} ${row.period}`,
    {
      micros: [row.settled_micros, row.reserved_micros, row.overrun_micros],
      tokens: [row.settled_tokens, row.reserved_tokens, row.overrun_tokens],
      calls: [row.settled_calls, row.reserved_calls, row.overrun_calls],
    },
  ]);
  expect(Object.fromEntries(counted)).toEqual(rows(model));
  expect(await countersAgree(rails.store.db)).toEqual([]);
}
