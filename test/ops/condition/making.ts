import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { channelId } from "../../../src/alerts/channels/registry.ts";
import { allKinds } from "../../../src/jobs/kinds.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import type { FindingCode } from "../../../src/ops/condition/finding.ts";
import { readConfig } from "../../../src/ops/read-config.ts";
import { guard } from "../../../src/rails/guard.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { guardedCall } from "../../support/rails.ts";
import type { Judged } from "./template.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export interface Condition {
  name: string;
  /** Makes it, in the files and the database of a state. */
  make(state: Judged): void | Promise<void>;
  codes: FindingCode[];
  /** Exit code of health. */
  exit: 0 | 1;
  /** The first line of `afk status`. */
  says: RegExp;
}

export const meta = ({ run }: Judged, key: string, value: number) =>
  run(
    "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value",
    key,
    value,
  );

export const PAYLOAD = JSON.stringify({ title: "a title", message: "a message" });

let serial = 0;
export const uniqueId = () => {
  serial += 1;
  return `made-${serial}`;
};

export function addTick({ insert, nowMs }: Judged, row: Record<string, unknown>): void {
  const [started_at, id] = [nowMs, uniqueId()];
  const usual = {
    units: 1,
    cost_micros: 0,
    by_hand: 0,
    next_due_at: nowMs + DAY,
    version: "1",
    reason: null,
  };
  insert("ticks", { id, started_at, finished_at: started_at, outcome: "ok", ...usual, ...row });
}

export function addJob({ insert, nowMs }: Judged, row: Record<string, unknown>): string {
  const id = uniqueId();
  const times = { slot_at: nowMs, created_at: nowMs, updated_at: nowMs, run_at: nowMs + HOUR };
  const usual = {
    name: "digest",
    kind: "digest",
    payload: "null",
    attempts: 0,
    max_attempts: 5,
    units: 0,
    by_hand: 0,
  };
  insert("jobs", { id, key: `key-${id}`, state: "ready", token: 0, label: "x", ...usual, ...times, ...row });
  return id;
}

/** @param delivery null: an alert of an hour ago of which nobody has written down who gets it. */
export function addAlert(state: Judged, delivery: Record<string, unknown> | null): void {
  const { insert, nowMs, target } = state;
  const id = uniqueId();
  const alert = { event: "job_dead", severity: "error", payload: PAYLOAD, created_at: nowMs, is_routed: 1 };
  if (delivery === null) Object.assign(alert, { created_at: nowMs - HOUR, is_routed: 0 });
  insert("alerts", { id, key: `job_dead:${id}`, subject: id, occurrence: "1", ...alert });
  if (delivery === null) return;
  const sources = { config: target.configFile, state: target.state, environment: {} };
  const [channel] = readConfig(sources, () => allKinds(sources)).alerts;
  const usual = {
    state: "pending",
    attempts: 0,
    next_at: nowMs + HOUR,
    updated_at: nowMs - MINUTE,
    error: null,
  };
  insert("alert_deliveries", { alert_id: id, channel: channelId(channel!), ...usual, ...delivery });
}

export function addResult({ insert, nowMs, jobId }: Judged, delivery: Record<string, unknown>): void {
  const usual = { attempts: 0, parts_taken: 0, next_at: nowMs + HOUR, created_at: nowMs, error: null };
  const whose = { outcome: "done", job_id: jobId, receiver: "hook", channel: "webhook:0000" };
  insert("deliveries", {
    key: uniqueId(),
    ...whose,
    state: "pending",
    updated_at: nowMs - MINUTE,
    ...usual,
    ...delivery,
  });
}

export function addBreaker({ insert, nowMs }: Judged, name: string, row: Record<string, unknown>): void {
  const usual = { state: "open", failures: 0, until: nowMs + HOUR, cooldown_ms: HOUR, probe: null };
  insert("breakers", { name, ...usual, reason: "it failed", updated_at: nowMs, ...row });
}

export function addDraft({ insert, nowMs, jobId }: Judged, draft: string): void {
  const row = {
    id: uniqueId(),
    job_id: jobId,
    name: uniqueId(),
    action: '{"type":"run"}',
    content: "x",
    state: draft,
  };
  insert("drafts", { ...row, created_at: nowMs, attempted_at: draft === "unknown" ? nowMs : null });
}

/** Calls that the rails let through or refuse, each of at most so much. */
export async function call(
  { target }: Judged,
  calls: readonly {
    micros: number;
    tokens?: number;
    scope?: object;
    isLost?: boolean;
    costMicros?: number;
    /** At most so much is asked for while this one is under way. */
    meanwhileMicros?: number;
  }[],
): Promise<void> {
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  try {
    for (const { micros, tokens = 0, scope = {}, isLost = false, costMicros = micros, ...each } of calls) {
      const bound = {
        estimateMicros: micros,
        estimateTokens: tokens,
        scope: { tick: null, job: null, ...scope },
      };
      const perform = async () => {
        if (isLost) throw new Error("the line broke");
        if (each.meanwhileMicros !== undefined)
          await guard(
            agent.rails,
            guardedCall(agent.rails, { ...bound, estimateMicros: each.meanwhileMicros }),
          ).catch(() => undefined);
        return { costMicros, inputTokens: tokens, outputTokens: 0, value: "text" };
      };
      await guard(agent.rails, guardedCall(agent.rails, { ...bound, perform })).catch(() => undefined);
    }
  } finally {
    await agent.close();
  }
}

/** Held by this process until the test is over. */
export function hold(path: string): void {
  const lock = acquireLock(path);
  onTestFinished(() => lock.release());
}

/** A process that holds a lock and was suspended, once the system says so. */
export async function holdSuspended(path: string): Promise<void> {
  const child = fork(HOLDER, [path], { execPath: process.execPath, execArgv: [] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await new Promise((resolve) => child.once("message", resolve));
  child.kill("SIGSTOP");
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8"))) await systemClock.sleep(5);
}

const HOLDER = fileURLToPath(new URL("./lock-holder.ts", import.meta.url));

export const NEEDS = (text: string) => new RegExp(`^! needs you: .*${text}`);
export const LIMITS = (text: string) => new RegExp(`^~ works with limits: .*${text}`);
