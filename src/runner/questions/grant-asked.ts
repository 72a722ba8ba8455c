import type { BudgetConfig } from "../../config/config.ts";
import { formatAmount } from "../../lib/windows.ts";
import { endWait, isOver } from "../../queue/wait.ts";
import { grantToRun } from "../../rails/grant.ts";
import { ownCaps } from "../../rails/granted.ts";
import type { Trx } from "../../store/schema.ts";
import { readDetail } from "./cap-question.ts";
import type { Question } from "./question.ts";

/**
 * Grants what was asked for, and makes the run ready at once. Gives why nothing was granted, or null: the run is over, or its
 * job's cap is lower now than the one that was asked about.
 */
export async function grantAsked(
  trx: Trx,
  question: Question,
  budget: BudgetConfig,
  nowMs: number,
): Promise<string | null> {
  const { window, amount, period, cap, extra } = readDetail(question);
  const { subject: run, job } = question;
  if (await isOver(trx, run)) return "that run is over; nothing was allowed";
  const stated = ownCaps(budget, job)?.[`${window}_${amount}`];
  if (stated !== undefined && stated < cap)
    return `the cap of ${job} was lowered since; nothing was allowed, and the run waits`;
  const grant = { job: run, window, amount, period, cap, extra, question_id: question.id, granted_at: nowMs };
  if (!(await grantToRun(trx, grant))) return "that run was allowed more before; nothing was added";
  await endWait(trx, run, nowMs);
  return null;
}

/** What a yes has allowed, in words. */
export function grantedText(question: Question): string {
  const { amount, extra } = readDetail(question);
  return `the run ${question.subject} may use up to ${formatAmount(amount, extra)} more; the agent's caps hold`;
}
