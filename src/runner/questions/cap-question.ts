import type { Announce } from "../../alerts/outbox.ts";
import type { BudgetConfig } from "../../config/config.ts";
import { DAY_MS, HOUR_MS } from "../../lib/durations.ts";
import { shortId } from "../../lib/ids.ts";
import { type Amount, formatAmount, type WindowName } from "../../lib/windows.ts";
import type { CapRefusal } from "../../rails/budget-notices.ts";
import { grantToRun } from "../../rails/grant.ts";
import { ownCaps } from "../../rails/granted.ts";
import { endOf } from "../../rails/periods.ts";
import type { Trx } from "../../store/schema.ts";
import { ask, type Question, questionsOf } from "./question.ts";

/** A person has so long to answer, unless the window is over before. */
const ANSWER_MS = DAY_MS;

/** What a yes grants. */
interface CapDetail {
  window: WindowName;
  amount: Amount;
  period: string;
  cap: number;
  extra: number;
}

/**
 * Asks whether a run may go on past a cap of its job: once for a run, a window and a unit. In the section that makes the run wait.
 * Gives until when it waits: for the answer, or until the window is over; null where nothing is asked.
 */
export async function askAboutCap(
  trx: Trx,
  announce: Announce,
  refusal: CapRefusal,
  nowMs: number,
): Promise<number | null> {
  const { offer, window, amount } = refusal;
  if (offer === null) return null;
  const asked = await questionsOf(trx, "cap", offer.run);
  const before = asked.find((each) => isAbout(readDetail(each), refusal));
  if (before !== undefined) return before.state === "yes" ? null : before.expires_at;
  const detail: CapDetail = { window, amount, period: offer.period, cap: offer.cap, extra: offer.extra };
  const over = (window === "hour" ? nowMs + HOUR_MS : await endOf(trx, window)) ?? Infinity;
  const expires_at = Math.min(nowMs + ANSWER_MS, Math.max(over, nowMs + 1));
  const message = questionText(refusal, offer.job, offer.extra);
  const { run: subject, job } = offer;
  const question = {
    kind: "cap",
    subject,
    job,
    message,
    detail: JSON.stringify(detail),
    expires_at,
  } as const;
  const id = await ask(trx, question, nowMs);
  await announce(trx, {
    event: "approval_asked",
    title: `${job} asks for your answer`,
    message: `${message} Answer: afk questions yes ${shortId(id)}, or no ${shortId(id)}`,
    subject: "",
    occurrence: id,
    job: subject,
  });
  return expires_at;
}

function isAbout(detail: CapDetail, { window, amount }: CapRefusal): boolean {
  return detail.window === window && detail.amount === amount;
}

function questionText(refusal: CapRefusal, job: string, extra: number): string {
  const { window, amount, cap, spent, estimate } = refusal;
  const inUnit = amount === "micros" ? "" : ` in ${amount}`;
  const told = (value: number) => formatAmount(amount, value);
  return (
    `${job} met its cap of ${SPANS[window]}${inUnit} (${told(spent)} of ${told(cap)}; the next call needs up to ` +
    `${told(estimate)}). May this run use up to ${told(extra)} more? The agent's caps hold.`
  );
}

const SPANS: Record<WindowName, string> = {
  tick: "one tick",
  job: "one run",
  hour: "the hour",
  day: "the day",
  week: "the week",
  month: "the month",
};

function readDetail({ detail }: Question): CapDetail {
  return JSON.parse(detail) as CapDetail;
}

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
  const row = await trx.selectFrom("jobs").select("state").where("key", "=", run).executeTakeFirst();
  if (row === undefined || row.state === "done" || row.state === "dead")
    return "that run is over; nothing was allowed";
  const stated = ownCaps(budget, job)?.[`${window}_${amount}`];
  if (stated !== undefined && stated < cap)
    return `the cap of ${job} was lowered since; nothing was allowed, and the run waits`;
  const grant = { job: run, window, amount, period, cap, extra, question_id: question.id, granted_at: nowMs };
  if (!(await grantToRun(trx, grant))) return "that run was allowed more before; nothing was added";
  await trx
    .updateTable("jobs")
    .set({ run_at: nowMs, updated_at: nowMs })
    .where("key", "=", run)
    .where("state", "=", "ready")
    .execute();
  return null;
}

/** What a yes has allowed, in words. */
export function grantedText(question: Question): string {
  const { amount, extra } = readDetail(question);
  return `the run ${question.subject} may use up to ${formatAmount(amount, extra)} more; the agent's caps hold`;
}
