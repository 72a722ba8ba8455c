import type { Agent } from "../agent.ts";
import { formatUsd } from "../lib/money.ts";
import { AGENT } from "../lib/windows.ts";
import { readSpends } from "../rails/counters.ts";
import { peekPeriods } from "../rails/periods.ts";
import { ask, outcomeText } from "./ask.ts";
import type { Deployment } from "./deployment.ts";
import type { Harness } from "./harness.ts";

/** The part of a cap that one call of the drill costs: two fit, a third does not. */
const PART = 0.4;
const CALLS_MAX = 6;
const TEXT_CHARS_MIN = 1_000;
/** About what a request is beside its text. */
const REQUEST_BYTES = 200;
/** USD per million tokens, the most that a price may be. */
const PRICE_MAX = 1_000_000;
/** Longer than the minute that a burst is counted in. */
const PAUSE_MS = 61_000;

/** A call that costs a good part of `capMicros`: how much is asked, and at which price. */
export function expensiveCall(capMicros: number): { text: string; inputPrice: number } {
  const partMicros = PART * capMicros;
  // A text long enough that the dearest price would do.
  const chars = Math.max(TEXT_CHARS_MIN, Math.ceil(partMicros / PRICE_MAX));
  return { text: "x".repeat(chars), inputPrice: Math.min(PRICE_MAX, partMicros / (chars + REQUEST_BYTES)) };
}

/**
 * Calls until the cap of `window` refuses, and sees that the refused call never left: the endpoint counts the same as
 * before, nothing was reserved for it, and the alert is on disk.
 * @param sample a call of about 0.4 of the cap.
 */
export async function fillUntilRefused(
  harness: Harness,
  target: { deployment: Deployment; agent: Agent; window: "day" | "hour"; capMicros: number; text: string },
): Promise<void> {
  const { deployment, agent, window, capMicros, text } = target;
  const { endpoint, figures } = harness;
  const cap = formatUsd(capMicros);
  for (let call = 1; call <= CALLS_MAX; call++) {
    const before = endpoint.requests.length;
    const said = await ask(harness, agent, `${call} ${text}`);
    harness.clock.advance(PAUSE_MS);
    if (said.type === "answered") {
      harness.expect(
        `call ${call} reaches the model`,
        endpoint.requests.length === before + 1,
        `${endpoint.requests.length - before} requests, for ${formatUsd(said.completion.costMicros)}`,
      );
      continue;
    }
    harness.did(`Called a model until the ${window}'s cap of ${cap} refused call ${call}.`);
    harness.expect("calls passed before the cap was reached", call > 1, `${call - 1} passed`);
    harness.expect(
      `the ${window}'s cap refuses call ${call}`,
      said.type === "capped" && said.window === window,
      outcomeText(said),
    );
    Object.assign(figures, {
      requestsBeforeRefusal: before,
      requestsAfterRefusal: endpoint.requests.length,
    });
    harness.expect(
      "the refused call sent no request",
      endpoint.requests.length === before,
      `${before} requests before it, ${endpoint.requests.length} after`,
    );
    await expectSpend(harness, target);
    const lines = deployment.logged("cap_hit").filter((line) => line.window === window);
    harness.expect("the log has cap_hit", lines.length > 0, `${lines.length} lines`);
    return;
  }
  harness.expect(
    `the ${window}'s cap of ${cap} is reached`,
    false,
    `${CALLS_MAX} calls passed and none was refused`,
  );
}

async function expectSpend(
  harness: Harness,
  { agent, window, capMicros }: { agent: Agent; window: "day" | "hour"; capMicros: number },
): Promise<void> {
  const { db } = agent.rails.store;
  const nowMs = harness.clock.nowMs();
  const period = window === "hour" ? "" : (await peekPeriods(db, nowMs, harness.config.timezone)).day;
  const [spend] = await readSpends(db, [{ window, scope: AGENT, period }], nowMs);
  const spentMicros = spend === undefined ? 0 : spend.micros.settled + spend.micros.reserved;
  Object.assign(harness.figures, { capMicros, spentMicros });
  harness.expect(
    "what is spent and reserved stays within the cap, and is not nothing",
    spentMicros > 0 && spentMicros <= capMicros,
    `${formatUsd(spentMicros)} of ${formatUsd(capMicros)}`,
  );
  const alerts = await db.selectFrom("alerts").select("key").where("event", "=", "cap_hit").execute();
  harness.expect(
    "one alert tells of it",
    alerts.filter(({ key }) => key.startsWith(`cap_hit:${window}:`)).length === 1,
    `${alerts.length} in the outbox`,
  );
}
