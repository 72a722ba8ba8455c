import type { BudgetConfig } from "../config/config.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { type CapName, type CapSpend, type Caps, type Periods, type Scope, WINDOWS } from "../lib/windows.ts";
import { prepared } from "../store/prepared.ts";
import type { CapGrantsTable } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";
import { HOUR_MINUTES, minuteAt, type Window, windowsOf } from "./windows.ts";

/** What a person let a run have beyond a cap of its job. */
type Grant = CapGrantsTable;

/** What a person may be asked to grant a run: as much again as a cap of its job, for as long as its window lasts. */
export interface GrantOffer {
  /** The run's key, and its job's name. */
  run: string;
  job: string;
  /** The period as counters name it, which of an hour is a minute. */
  period: string;
  cap: number;
  extra: number;
}

/** Every window that a call counts in, with the caps as they hold for its run, and what that was granted. */
export async function windowsWithGrants(
  db: Db,
  periods: Periods,
  scope: Scope,
  budget: BudgetConfig,
  nowMs: number,
): Promise<{ windows: Window[]; grants: Grant[] }> {
  const windows = windowsOf(periods, scope, budget);
  const grants = await readGrants(db, scope, budget);
  if (grants.length === 0) return { windows, grants };
  return {
    windows: windowsOf(periods, scope, withGrants(budget, scope, grants, { windows, nowMs })),
    grants,
  };
}

/** What a run was granted; few, since each window and unit has one at most. */
async function readGrants(db: Db, { job, jobName }: Scope, budget: BudgetConfig): Promise<Grant[]> {
  // Asked at each call: where the job has no caps of its own there is nothing to grant.
  if (job === null || ownCaps(budget, jobName) === null) return [];
  return (await selectGrants(db, { job })).rows;
}

const selectGrants = prepared((db, { job }: { job: string }) =>
  db.selectFrom("cap_grants").selectAll().where("job", "=", job),
);

/** A grant that counts now, with the name of its run's job. */
export interface GrantInForce extends Grant {
  jobName: string;
}

/** What runs that are not over may have now beyond the caps of their jobs, by answers of people; the newest first. */
export async function grantsInForce(
  db: Db,
  { periods, budget, nowMs }: { periods: Periods; budget: BudgetConfig; nowMs: number },
): Promise<GrantInForce[]> {
  const rows = await db
    .selectFrom("cap_grants")
    .innerJoin("jobs", "jobs.key", "cap_grants.job")
    .selectAll("cap_grants")
    .select("jobs.name as jobName")
    .where("jobs.state", "in", ["ready", "running"])
    .orderBy("granted_at", "desc")
    .orderBy("job")
    .orderBy("window")
    .orderBy("amount")
    .limit(SHOWN_MAX)
    .execute();
  return rows.filter((grant) => {
    const windows = windowsOf(periods, { tick: null, job: grant.job, jobName: grant.jobName }, budget);
    return holds(grant, ownCaps(budget, grant.jobName) ?? {}, { windows, nowMs });
  });
}

/** A person answers for each of them. */
const SHOWN_MAX = 50;

/**
 * The caps as they hold for one call of a run: its job's own are higher by what the run was granted, the agent's are what they
 * are. A grant holds while the period that it was asked in counts, and only over a cap that is not lower than the one that was
 * asked about: what afk.yaml takes away is not given back by an earlier answer.
 */
function withGrants(
  budget: BudgetConfig,
  scope: Scope,
  grants: readonly Grant[],
  at: { windows: readonly Window[]; nowMs: number },
): BudgetConfig {
  const own = ownCaps(budget, scope.jobName);
  if (own === null || grants.length === 0) return budget;
  const raised: Caps = { ...own };
  for (const grant of grants) {
    const name = capOf(grant);
    if (holds(grant, own, at)) raised[name] = Math.max(own[name] ?? 0, grant.cap + grant.extra);
  }
  const { owners } = budget;
  return { ...budget, owners: { ...owners, job: { ...owners.job, [scope.jobName ?? ""]: raised } } };
}

function capOf({ window, amount }: Grant): CapName {
  return `${window}_${amount}`;
}

function holds(grant: Grant, own: Caps, at: { windows: readonly Window[]; nowMs: number }): boolean {
  const cap = own[capOf(grant)];
  return cap !== undefined && cap >= grant.cap && counts(grant, at);
}

function counts({ window, period }: Grant, at: { windows: readonly Window[]; nowMs: number }): boolean {
  if (window !== "hour") return at.windows.some((each) => each.window === window && each.period === period);
  return period >= minuteAt(at.nowMs - HOUR_MINUTES * MINUTE_MS) && period <= minuteAt(at.nowMs);
}

/**
 * What could be granted so that the refused call has room; null where that is not for the run's job to have: a cap of the agent
 * refuses it too, it was granted once, or as much again would not do. `refusing` are all caps without room, the one that is
 * told of first.
 */
export function offerOf(
  refusing: readonly CapSpend[],
  call: { estimate: number; scope: Scope; minute: string },
  { budget, grants }: { budget: BudgetConfig; grants: readonly Grant[] },
): GrantOffer | null {
  const { job: run, jobName: job } = call.scope;
  const [first] = refusing;
  const own = ownCaps(budget, job);
  if (first === undefined || own === null || run === null || job == null) return null;
  const { window, amount, spent } = first;
  const isOwn = (each: CapSpend) => {
    const stated = own[`${each.window}_${each.amount}`];
    if (stated === undefined) return false;
    const ofAgent = budget.caps[`${each.window}_${each.amount}`] ?? Infinity;
    return each.scope === `job:${job}` || (each.window === RUN && stated < ofAgent);
  };
  if (!refusing.every(isOwn)) return null;
  if (grants.some((grant) => grant.window === window && grant.amount === amount)) return null;
  const cap = own[`${window}_${amount}`] ?? 0;
  const most = window === RUN ? Math.min(2 * cap, budget.caps[`${RUN}_${amount}`] ?? Infinity) : 2 * cap;
  if (cap === 0 || spent + call.estimate > most) return null;
  return { run, job, period: window === "hour" ? call.minute : first.period, cap, extra: cap };
}

/** The window of one run. */
const RUN = WINDOWS[1].name;

/** The caps that a job has of its own; null where it has none. */
export function ownCaps({ owners }: BudgetConfig, job: string | null | undefined): Caps | null {
  return job != null && Object.hasOwn(owners.job, job) ? (owners.job[job] ?? null) : null;
}
