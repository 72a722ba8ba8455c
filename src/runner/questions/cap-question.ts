import type { Announce } from "../../alerts/outbox.ts";
import { DAY_MS, HOUR_MS } from "../../lib/durations.ts";
import { shortId } from "../../lib/ids.ts";
import { type Amount, formatAmount, type WindowName } from "../../lib/windows.ts";
import type { CapRefusal } from "../../rails/budget-notices.ts";
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
 * Gives until when it waits: for the answer, or until the window is over; null where nothing is asked, or the time for it is up.
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
  if (before !== undefined) {
    const isStillWaiting = before.state !== "yes" && before.expires_at > nowMs;
    return isStillWaiting ? before.expires_at : null;
  }
  const detail: CapDetail = { window, amount, period: offer.period, cap: offer.cap, extra: offer.extra };
  const over = (window === "hour" ? nowMs + HOUR_MS : await endOf(trx, refusal)) ?? Infinity;
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

/** What a yes to a question about a cap grants. */
export function readDetail({ detail }: Question): CapDetail {
  return JSON.parse(detail) as CapDetail;
}
