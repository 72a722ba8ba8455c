import { existsSync } from "node:fs";
import type { Agent } from "../agent.ts";
import type { SeededRandom } from "../faults/seeded-random.ts";
import { HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import { deadLetterKeys, dropDeadLetter, findDeadLetters, retryDeadLetter } from "../queue/dead-letters.ts";
import { reconcile } from "../rails/reconcile.ts";
import { resume } from "../rails/resume.ts";
import type { SimulationContext } from "./set-up.ts";

const CLOCK_IS_RIGHT_MS = MINUTE_MS;
/** The most that the operator does at one time. */
const ACTIONS_MAX = 8;

/** The operator comes a few times a day. */
export function planOperator(context: SimulationContext, days: number, random: SeededRandom): void {
  const { time } = context.environment;
  const markDue = () => {
    context.isOperatorDue = true;
  };
  for (let hour = random.between(2, 9); hour < 24 * days; hour += random.between(3, 10))
    time.alarm("world", hour * HOUR_MS, markDue);
}

/**
 * What the operator does about what waits: each by a command of its own, as from a terminal. `isThorough`: everything is
 * seen to, as by somebody who wants to leave nothing undone.
 */
export async function operate(
  context: SimulationContext,
  random: SeededRandom,
  isThorough: boolean,
): Promise<void> {
  const will = (share: number) => isThorough || random.chance(share);
  const all = <Row>(sql: string) => context.reader()?.all<Row>(`${sql} limit ${ACTIONS_MAX}`) ?? [];
  if (will(0.6)) await clear(context, isThorough);
  const drafts = "select id, state from drafts where state in ('pending', 'unknown') order by id";
  for (const { id, state } of all<{ id: string; state: string }>(drafts))
    if (will(0.8)) await decide(context, id, state === "unknown", random);
  for (const { id } of all<{ id: string }>("select id from ledger where state = 'unknown' order by id"))
    if (will(0.5)) await reconcileCost(context, id);
  for (const { key } of all<{ key: string }>("select key from dead_letters order by died_at, key"))
    if (will(0.5)) await handleDead(context, key, random);
}

/** Only with a clock that is right: the same command accepts the wall clock. */
async function clear(context: SimulationContext, isThorough: boolean): Promise<void> {
  const { time } = context.environment;
  if (Math.abs(time.wallErrorMs()) > CLOCK_IS_RIGHT_MS) return;
  const reader = context.reader();
  const row = reader?.one<{ at: number | null }>("select set_at as at from kill_switch where id = 1");
  const clock = reader?.one<{ latest: number }>("select latest_at as latest from budget_clock where id = 1");
  const isAhead = (clock?.latest ?? 0) > time.nowMs() + 5 * MINUTE_MS;
  if (row?.at === null && !existsSync(context.config.paths.stopFile) && !isAhead && !isThorough) return;
  const done = await command(context, isAhead ? "afk resume --clock" : "afk resume", ({ rails }) =>
    resume(rails, { isBackToo: isAhead }),
  );
  context.audit.time.forget("accepted");
  if (done && !existsSync(context.config.paths.stopFile)) context.overrides.stopFileAtMs = null;
}

async function decide(
  context: SimulationContext,
  id: string,
  isAgain: boolean,
  random: SeededRandom,
): Promise<void> {
  if (random.chance(0.3)) {
    await command(context, `afk drafts reject ${id}`, ({ drafts }) => drafts.reject(id));
    return;
  }
  // The approval counts before anything is done, whatever becomes of the command.
  context.approvals.set(id, (context.approvals.get(id) ?? 0) + 1);
  await command(context, `afk drafts approve ${id}`, ({ drafts }) => drafts.approve(id, { isAgain }));
}

/** What the provider's bill says, as far as a person can know. */
async function reconcileCost(context: SimulationContext, id: string): Promise<void> {
  context.audit.ledger.reconciled(id);
  const micros = context.audit.ledger.billOf(id)?.micros ?? 0;
  await command(context, `afk ledger reconcile ${id}`, ({ rails }) => reconcile(rails, id, micros));
}

async function handleDead(context: SimulationContext, key: string, random: SeededRandom): Promise<void> {
  const isRetried = random.chance(0.7);
  await command(context, `afk dead ${isRetried ? "retry" : "drop"} ${key}`, ({ rails }) =>
    rails.store.atomically(async (trx) => {
      // It was handled already where it shares a dead letter with another run.
      const [letter] = await findDeadLetters(trx, key);
      if (letter === undefined) return;
      for (const each of await deadLetterKeys(trx, letter, letter.runs)) context.audit.queue.handled(each);
      if (isRetried) await retryDeadLetter(trx, letter, key, rails.clock.nowMs());
      else await dropDeadLetter(trx, letter, rails.clock.nowMs());
    }),
  );
}

/** True when it came to its end; what it refuses is written down and no more. */
async function command(
  context: SimulationContext,
  words: string,
  work: (agent: Agent) => Promise<unknown>,
): Promise<boolean> {
  const ended = await context.machine.run(work, { isFresh: true });
  const [name] = /^afk \w+(?: \w+)?/.exec(words) ?? [words];
  context.calendar.stamp(`${words}: ${ended.type}`);
  context.calendar.today().person.push(ended.type === "done" ? name : `${name} (${ended.type})`);
  return ended.type === "done";
}
