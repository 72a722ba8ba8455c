import { join } from "node:path";
import type { Outgoing } from "../../egress/types.ts";
import { readDraft } from "../../jobs/actions/read-draft.ts";
import { assert, messageOf } from "../../lib/errors.ts";
import { Killed } from "../../rails/halt.ts";
import { announceKill, readStop } from "../../rails/kill.ts";
import { acquireLock } from "../../store/sqlite/lock.ts";
import type { Uses } from "../dependencies.ts";
import { machineIdOf } from "../machines/identity.ts";
import { authorizationFor, mailboxOf } from "./credentials.ts";
import { type DraftPreview, previewDraft } from "./preview.ts";
import { push } from "./push.ts";
import { DraftRefused, noDraft } from "./refused.ts";
import { oneRequest, type RequestOutcome } from "./request.ts";
import {
  claimDraft,
  closeDraft,
  type DraftClaim,
  type DraftOutcome,
  endDraft,
  orphanDrafts,
  readDraftState,
} from "./state.ts";

/** What approving works with; made in agent.ts. Jobs and ticks are never given `outgoing`. */
type DraftDependencies = Uses<"config" | "store" | "outbox" | "rails" | "clock" | "log"> & {
  outgoing: Outgoing;
};

/** Where a person decides about drafts. What each throws is said where it is built. */
export interface Drafts {
  preview(id: string): Promise<DraftPreview>;
  approve(id: string, options: { isAgain: boolean }): Promise<Approval>;
  reject(id: string): Promise<{ wasUnknown: boolean }>;
}

/** The drafts of an agent. */
export function createDrafts(dependencies: DraftDependencies): Drafts {
  return {
    preview: (id) => previewDraft(dependencies, id),
    approve: (id, options) => approveDraft(dependencies, id, options),
    reject: (id) => rejectDraft(dependencies, id),
  };
}

/** What came of an approval. `pending`: certainly not done, and it may be approved again. `unknown`: it may have been done. */
type Approval = { id: string } & DraftOutcome;

const SUMMARY_LENGTH_MAX = 500;

/**
 * Does what a draft says, once. The order is the safety: the intent is on disk before the first byte leaves, and what
 * came of it afterwards; whoever finds an intent without an end knows that it may have been done.
 *
 * @param options.isAgain a person confirms that it may be tried though an earlier try may have done it.
 * @throws DraftRefused, Killed, PermanentFailure (content), StateLocked (another approval is at work): nothing was sent.
 */
export async function approveDraft(
  dependencies: DraftDependencies,
  id: string,
  options: { isAgain: boolean },
): Promise<Approval> {
  return await alone(dependencies, async (machine) => {
    const release = dependencies.rails.watch.hold("in_flight");
    try {
      // 1. The intent, unless the kill switch is set.
      const begun = await begin(dependencies, { id, isAgain: options.isAgain, machine });
      // 2. The one request; the kill switch aborts it.
      const result = await perform(dependencies, begun);
      // 3. What came of it.
      return await settle(dependencies, begun.claim, result);
    } finally {
      release();
    }
  });
}

/** Closes a draft for good without doing it. Gives whether an earlier try may have done it. Throws DraftRefused. */
async function rejectDraft(dependencies: DraftDependencies, id: string): Promise<{ wasUnknown: boolean }> {
  return await alone(dependencies, async () => {
    const state = await dependencies.store.atomically(async (trx) => {
      const found = await readDraftState(trx, id);
      if (found === undefined) throw noDraft(id);
      if (!(await closeDraft(trx, id, dependencies.clock.nowMs()))) throw settled(id, found.state);
      return found.state;
    });
    const wasUnknown = state === "unknown";
    dependencies.log.event("info", "draft_rejected", { draft: id, wasUnknown });
    return { wasUnknown };
  });
}

/** Throws DraftRefused unless a draft in this state may be approved with these words. */
export function checkApprovable(id: string, state: string, isAgain: boolean): DraftClaim["from"] {
  if (state === "pending") {
    if (!isAgain) return state;
    throw new DraftRefused(
      "draft_untried",
      `no try at draft ${id} is in doubt; approve it without --again: afk drafts approve ${id}`,
    );
  }
  if (state !== "unknown") throw settled(id, state);
  if (isAgain) return state;
  throw new DraftRefused(
    "draft_unknown",
    `draft ${id} was tried before and may have been done. Look there first; then either: afk drafts approve ${id} --again, or: afk drafts reject ${id}`,
  );
}

/**
 * Holds the approval lock, which the system drops with the process: whoever gets it knows that every approval without an
 * end was cut off. It is not the runner's lock, since a person need not wait for a tick.
 */
async function alone<T>(
  { config, store, clock }: DraftDependencies,
  work: (machine: string | null) => Promise<T>,
): Promise<T> {
  const lock = acquireLock(join(config.paths.state, "approve-lock.db"));
  try {
    const machine = machineIdOf(config, clock.nowMs());
    await store.atomically((trx) => orphanDrafts(trx, machine, clock.nowMs()));
    return await work(machine);
  } finally {
    lock.release();
  }
}

type Begun = ReturnType<typeof readDraft> & { claim: DraftClaim };
type Result = RequestOutcome & { summary?: string };

async function begin(
  { rails, store, outbox, clock }: DraftDependencies,
  { id, isAgain, machine }: { id: string; isAgain: boolean; machine: string | null },
): Promise<Begun> {
  rails.watch.signal.throwIfAborted();
  const begun = await store.atomically(async (trx) => {
    const kill = await readStop(rails, trx);
    if (kill !== null) {
      await announceKill(trx, outbox.announce, kill);
      return new Killed(kill);
    }
    const draft = await readDraftState(trx, id);
    if (draft === undefined) throw noDraft(id);
    const from = checkApprovable(id, draft.state, isAgain);
    const todo = readDraft(draft.action, draft.content);
    const claim = { id, from, attemptedMs: clock.nowMs() };
    if (!(await claimDraft(trx, claim, machine))) throw settled(id, "being approved by somebody else");
    return { ...todo, claim };
  });
  // Thrown out here, so that the alert commits.
  if (begun instanceof Killed) throw begun;
  return begun;
}

async function perform(
  { config, outgoing, rails }: DraftDependencies,
  { claim, action, content }: Begun,
): Promise<Result> {
  const request = oneRequest({
    outgoing,
    authorize: (from, url) => authorizationFor(config, from, url),
    append: (from, draft) => outgoing.append(mailboxOf(config, from), draft),
    push: (wanted) => push({ config, outgoing }, wanted, rails.watch.signal),
    idempotencyKey: claim.id,
    signal: rails.watch.signal,
  });
  try {
    const { summary } = await action.run(content, request.tools);
    return { ...request.outcome(), summary };
  } catch (error) {
    // The request's own outcome tells more than what the action made of it; without a request, this is all there is.
    const outcome = request.outcome();
    const isOwn = outcome.type === "not_done" && outcome.code === "no_request";
    return isOwn ? { ...outcome, error: messageOf(error) } : outcome;
  }
}

async function settle(
  { store, outbox, clock, log }: DraftDependencies,
  claim: DraftClaim,
  result: Result,
): Promise<Approval> {
  const { id } = claim;
  const outcome = outcomeOf(claim, result, outbox.redact);
  const isMine = await store.atomically((trx) => endDraft(trx, claim, outcome, clock.nowMs()));
  assert(isMine, `draft ${id} was taken from the process that holds the approval lock`);
  if (outcome.state === "done") log.event("info", "draft_done", { draft: id, summary: outcome.summary });
  else {
    const summary = result.type === "done" ? null : result.code;
    log.event("warn", "draft_failed", { draft: id, state: outcome.state, summary });
  }
  return { id, ...outcome };
}

function outcomeOf({ from }: DraftClaim, result: Result, redact: (text: string) => string): DraftOutcome {
  if (result.type === "done") {
    const summary = result.summary ?? "it was done";
    return { state: "done", summary: redact(summary.slice(0, SUMMARY_LENGTH_MAX)) };
  }
  const error = redact(result.error);
  if (result.type === "unknown") return { state: "unknown", error };
  if (from === "pending") return { state: "pending", error };
  return { state: "unknown", error: `${error}; this try did nothing, an earlier one may have` };
}

function settled(id: string, state: string): DraftRefused {
  return new DraftRefused("draft_settled", `draft ${id} is ${state}; nothing was done`);
}
