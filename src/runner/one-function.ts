import { HOUR_MS } from "../lib/durations.ts";
import type { Log } from "../lib/log.ts";
import { chargeMicrosFromUsd } from "../lib/money.ts";
import { guard } from "../rails/guard.ts";
import type { Rails } from "../rails/rails.ts";

/** A guarded function has no time limit of its own; after this long its call counts as over. */
const DEADLINE_MS = HOUR_MS;

/** Guards a function of the owner's own that makes one request; `estimateUsd` is the most that it can cost. */
export async function guardFunction<T>(
  rails: Rails,
  log: Log,
  {
    name,
    estimateUsd,
    call,
  }: {
    name: string;
    estimateUsd: number;
    call: (signal: AbortSignal) => Promise<{ value: T; costUsd: number }>;
  },
): Promise<T> {
  return await guard(rails, {
    dependency: name,
    model: name,
    estimateMicros: chargeMicrosFromUsd(estimateUsd),
    estimateTokens: 0,
    deadlineMs: DEADLINE_MS,
    scope: { tick: null, job: null },
    step: null,
    runner: null,
    requestHash: null,
    isDegraded: false,
    log,
    async perform(signal) {
      const { value, costUsd } = await call(signal);
      return { value, costMicros: chargeMicrosFromUsd(costUsd), inputTokens: null, outputTokens: null };
    },
  });
}
