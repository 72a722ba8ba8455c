import type { Selectable } from "kysely";
import type { Announce } from "../alerts/outbox.ts";
import { asSentence, endOfError } from "../lib/text.ts";
import type { CallFailed } from "../rails/call.ts";
import type { ModelRefusalsTable } from "../store/schema/rails.ts";
import type { Db, Trx } from "../store/schema.ts";

/** What the models said to the calls of one run of a job. */
export type RunCalls = ReturnType<typeof collectCalls>;

interface ModelCalls {
  answered: number;
  refused: number;
  /** Calls that failed otherwise, and say nothing of whether the model would answer. */
  lost: number;
  /** What it said to the latest call that it refused. */
  reason: string;
}

/** Begins to count what the models say to one run. */
export function collectCalls() {
  const byModel = new Map<string, ModelCalls>();
  return {
    byModel,
    onCall(reference: string, failure: CallFailed | null): void {
      const calls = byModel.get(reference) ?? { answered: 0, refused: 0, lost: 0, reason: "" };
      byModel.set(reference, calls);
      if (failure === null) calls.answered += 1;
      else if (failure.fault === "refusal")
        Object.assign(calls, { refused: calls.refused + 1, reason: failure.message });
      else calls.lost += 1;
    },
  };
}

/**
 * Writes down which models refused every call of a run for a reason that waiting does not heal, and tells of each once a day,
 * since another model of the chain may have done the work, and nobody would notice. One that answered has got over it.
 */
export async function noteRefusals(
  trx: Trx,
  announce: Announce,
  run: { calls: RunCalls; name: string; key: string; tick: string; day: string; nowMs: number },
): Promise<void> {
  for (const [model, { answered, refused, lost, reason }] of run.calls.byModel) {
    if (answered > 0) await trx.deleteFrom("model_refusals").where("model", "=", model).execute();
    if (refused === 0 || answered + lost > 0) continue;
    const now = { last_at: run.nowMs, reason };
    await trx
      .insertInto("model_refusals")
      .values({ model, since_at: run.nowMs, ...now })
      .onConflict((conflict) => conflict.column("model").doUpdateSet(now))
      .execute();
    const calls = refused === 1 ? "the one call" : `all ${refused} calls`;
    await announce(
      trx,
      {
        event: "model_refuses",
        title: `${model} refuses what it is asked`,
        message: `It refused ${calls} of a run of ${run.name}, and waiting does not heal that. ${asSentence(endOfError(reason))} Look: afk logs --event call_failed --since 1d`,
        subject: model,
        occurrence: run.day,
        job: run.key,
        tick: run.tick,
      },
      "quiet",
    );
  }
}

/** The models of `chain` that refused every call of the latest run that asked them, in its order. */
export async function listRefusals(
  db: Db,
  chain: readonly string[],
): Promise<Selectable<ModelRefusalsTable>[]> {
  const rows = await db.selectFrom("model_refusals").selectAll().where("model", "in", chain).execute();
  return rows.sort((a, b) => chain.indexOf(a.model) - chain.indexOf(b.model));
}
