import type { Outbox } from "../../alerts/outbox.ts";
import { toIso } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { momentText } from "../../lib/zone.ts";
import type { Rails } from "../../rails/rails.ts";
import type { Trx } from "../../store/schema.ts";
import { afterCommit } from "../../store/store.ts";
import { closeDraft } from "../drafts/state.ts";
import { hashOfCode, noteWrongCode, readCode, refusedUntil } from "./codes.ts";
import { grantAsked, grantedText } from "./grant-asked.ts";
import { close, expireQuestions, type Question } from "./question.ts";

/** What answering works with. */
export type AnswerUses = Pick<Rails, "budget" | "clock"> & {
  outbox: Pick<Outbox, "announce">;
  log: Log;
};

/** What came of an answer, in words; `approved` is the id of the draft that is to be done now. */
export interface Answered {
  isTaken: boolean;
  text: string;
  approved?: string;
}

const KINDS = { approve: "draft", reject: "draft", yes: "cap", no: "cap" } as const;

/** The words of an answer. */
export type AnswerVerb = keyof typeof KINDS;

/** The same whatever is wrong with it, so that nobody learns from it. */
const WRONG = "That is no valid code; nothing was done.";

/**
 * Answers the question that a code was sent with. In one section with the message that brought it, so that a code is used
 * once; what a draft does is done by the caller after the commit.
 */
export async function answerByCode(
  trx: Trx,
  uses: AnswerUses,
  { verb, code, by }: { verb: AnswerVerb; code: string; by: string },
): Promise<Answered> {
  const nowMs = uses.clock.nowMs();
  const { timezone } = uses.budget;
  const until = await refusedUntil(trx, nowMs);
  if (until !== null) return refused(`${TOO_MANY} until ${momentText(until, timezone)}. ${STILL}`);
  await expireQuestions(trx, nowMs);
  const question = await trx
    .selectFrom("questions")
    .selectAll()
    .where("code_hash", "=", hashOfCode(readCode(code)))
    .executeTakeFirst();
  if (question === undefined) return await refuseWrong(trx, uses, by, nowMs);
  const isYes = verb === "approve" || verb === "yes";
  if (question.state !== "open") return refused(closedText(question, timezone));
  if (KINDS[verb] !== question.kind) {
    const [yes, no] = question.kind === "draft" ? ["approve", "reject"] : ["yes", "no"];
    return refused(`That question is answered by ${yes} or ${no} with its code; nothing was done.`);
  }
  return await answer(trx, uses, question, { isYes, by });
}

const TOO_MANY = "Too many wrong codes: none is taken";
const STILL = "status, stop and pause work, and so does the keyboard.";

function refused(text: string): Answered {
  return { isTaken: false, text };
}

async function refuseWrong(trx: Trx, { outbox }: AnswerUses, by: string, nowMs: number): Promise<Answered> {
  await noteWrongCode(trx, nowMs);
  const until = await refusedUntil(trx, nowMs);
  if (until !== null)
    await outbox.announce(trx, {
      event: "remote_refused",
      title: "Wrong codes came from the phone",
      message: `${TOO_MANY} until ${toIso(until)}; the last one came by ${by}. If it was not you, change the secrets of that channel. Look: afk questions`,
      subject: "codes",
      occurrence: String(until),
    });
  return refused(WRONG);
}

function closedText({ state, answered_at, answered_by, expires_at }: Question, timezone: string): string {
  if (state === "expired" || answered_at === null)
    return `The time to answer was over on ${momentText(expires_at, timezone)}; nothing was done. Look: afk questions`;
  return `That was answered with ${state} on ${momentText(answered_at, timezone)} by ${answered_by}; nothing more was done.`;
}

/** Answers an open question; the caller has made sure of who it is, and that its time is not up. */
export async function answer(
  trx: Trx,
  { budget, clock, log }: AnswerUses,
  question: Question,
  { isYes, by }: { isYes: boolean; by: string },
): Promise<Answered> {
  const nowMs = clock.nowMs();
  const { id, kind, subject, job } = question;
  const problem = isYes && kind === "cap" ? await grantAsked(trx, question, budget.budget, nowMs) : null;
  const isTaken = await close(trx, id, { isYes: isYes && problem === null, by, nowMs });
  if (!isTaken) return refused(`Question ${id} is not open any more; nothing was done.`);
  const given = problem === null && isYes ? "yes" : "no";
  afterCommit(trx, () =>
    log.event("info", "approval_given", { question: id, kind, job, subject, answer: given, by }),
  );
  if (problem !== null) return refused(`${problem}.`);
  if (kind === "cap")
    return { isTaken, text: isYes ? `Yes: ${grantedText(question)}.` : `No: ${subject} waits for its cap.` };
  if (isYes) return { isTaken, text: `Approved: ${job} does it now.`, approved: subject };
  const isClosed = await closeDraft(trx, subject, nowMs);
  return isClosed
    ? { isTaken, text: `Rejected: what ${job} asked for is closed and was not done.` }
    : refused(`The draft ${subject} was decided about before; look: afk drafts show ${subject}`);
}
