import { existsSync } from "node:fs";
import type { Agent } from "../agent.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import { dropDead, findDead, keysOf, retryDead } from "../queue/dead-letters.ts";
import { reconcile } from "../rails/reconcile.ts";
import { resume } from "../rails/resume.ts";
import type { Stage } from "./context.ts";
import type { Dice } from "./environment/seeded-random.ts";

const CLOCK_IS_RIGHT_MS = MINUTE_MS;
/** What a person does at one sitting. */
const DEEDS_MAX = 8;

/** The person looks a few times a day. */
export function planPerson(stage: Stage, days: number, dice: Dice): void {
  const { time } = stage.realm;
  for (let atMs = dice.between(2, 9) * HOUR_MS; atMs < days * DAY_MS; atMs += dice.between(3, 10) * HOUR_MS) {
    time.alarm("world", atMs, () => {
      stage.isPersonDue = true;
    });
  }
}

/**
 * What the person does about what waits: each by a command of its own, as from a terminal. `isThorough`: everything is
 * seen to, as by somebody who wants to leave nothing undone.
 */
export async function look(stage: Stage, dice: Dice, isThorough: boolean): Promise<void> {
  const will = (share: number) => isThorough || dice.chance(share);
  const all = <Row>(sql: string) => stage.books()?.all<Row>(sql, DEEDS_MAX) ?? [];
  if (will(0.6)) await clear(stage, isThorough);
  for (const { id, state } of all<{ id: string; state: string }>(
    "select id, state from drafts where state in ('pending', 'unknown') order by id limit ?",
  )) {
    if (will(0.8)) await decide(stage, id, state === "unknown", dice);
  }
  for (const { id } of all<{ id: string }>(
    "select id from ledger where state = 'unknown' order by id limit ?",
  )) {
    if (will(0.5)) await sayCost(stage, id);
  }
  for (const { key } of all<{ key: string }>("select key from dead_letters order by died_at, key limit ?")) {
    if (will(0.5)) await handleDead(stage, key, dice);
  }
}

/** Only with a clock that is right: the same word takes the wall clock for right. */
async function clear(stage: Stage, isThorough: boolean): Promise<void> {
  const { time } = stage.realm;
  if (Math.abs(time.wallErrorMs()) > CLOCK_IS_RIGHT_MS) return;
  const books = stage.books();
  const row = books?.one<{ at: number | null }>("select set_at as at from kill_switch where id = 1");
  const clock = books?.one<{ latest: number }>("select latest_at as latest from budget_clock where id = 1");
  const isAhead = (clock?.latest ?? 0) > time.nowMs() + 5 * MINUTE_MS;
  if (row?.at === null && !existsSync(stage.config.paths.stopFile) && !isAhead && !isThorough) return;
  const done = await command(stage, isAhead ? "afk resume --clock" : "afk resume", ({ rails }) =>
    resume(rails, { isBackToo: isAhead }),
  );
  stage.audit.time.forget("accepted");
  if (done && !existsSync(stage.config.paths.stopFile)) stage.hands.stopFileAtMs = null;
}

async function decide(stage: Stage, id: string, isAgain: boolean, dice: Dice): Promise<void> {
  if (dice.chance(0.3)) {
    await command(stage, `afk drafts reject ${id}`, ({ drafts }) => drafts.reject(id));
    return;
  }
  // The word is given before anything is done, whatever becomes of the command.
  stage.approvals.set(id, (stage.approvals.get(id) ?? 0) + 1);
  await command(stage, `afk drafts approve ${id}`, ({ drafts }) => drafts.approve(id, { isAgain }));
}

/** What the provider's bill says, as far as a person can know. */
async function sayCost(stage: Stage, id: string): Promise<void> {
  stage.audit.ledger.reconciled(id);
  const micros = stage.audit.ledger.billOf(id)?.micros ?? 0;
  await command(stage, `afk ledger reconcile ${id}`, ({ rails }) => reconcile(rails, id, micros));
}

async function handleDead(stage: Stage, key: string, dice: Dice): Promise<void> {
  const isRetried = dice.chance(0.7);
  await command(stage, `afk dead ${isRetried ? "retry" : "drop"} ${key}`, ({ rails }) =>
    rails.store.atomically(async (trx) => {
      // It may have gone with another run of its letter.
      const [letter] = await findDead(trx, key);
      if (letter === undefined) return;
      for (const each of await keysOf(trx, letter, letter.runs)) stage.audit.queue.handled(each);
      if (isRetried) await retryDead(trx, letter, key, rails.clock.nowMs());
      else await dropDead(trx, letter, rails.clock.nowMs());
    }),
  );
}

/** True when it came to its end; what it refuses is written down and no more. */
async function command(
  stage: Stage,
  words: string,
  work: (agent: Agent) => Promise<unknown>,
): Promise<boolean> {
  const [, verb = ""] = words.split(" ");
  const ended = await stage.machine.run(work, { isFresh: true });
  const [, name] = /^afk (\w+(?: \w+)?)/.exec(words) ?? [];
  stage.calendar.stamp(`${words}: ${ended.type}`);
  stage.calendar
    .today()
    .person.push(ended.type === "done" ? `afk ${name ?? verb}` : `afk ${name ?? verb} (${ended.type})`);
  return ended.type === "done";
}
