import type { Agent } from "../agent.ts";
import { formatUsd } from "../lib/money.ts";
import { AGENT } from "../lib/windows.ts";
import { readSpends } from "../rails/counters.ts";
import { peekPeriods } from "../rails/periods.ts";
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

/**
 * Calls until the cap of `window` refuses, and sees that the refused call never left: the endpoint counts the same as
 * before, nothing was reserved for it, and the alert is on disk. Gives the agent that called, and with which text.
 */
export async function fillUntilRefused(
  harness: Harness,
  window: "day" | "hour",
  capMicros: number,
): Promise<{ agent: Agent; callText: string }> {
  const { endpoint, clock } = harness;
  const partMicros = PART * capMicros;
  // A text long enough that the dearest price would do.
  const chars = Math.max(TEXT_CHARS_MIN, Math.ceil(partMicros / PRICE_MAX));
  const callText = "x".repeat(chars);
  const inputPrice = Math.min(PRICE_MAX, partMicros / (chars + REQUEST_BYTES));
  const deployment = harness.deploy({ caps: window, inputPrice });
  const agent = await deployment.open({ clock });
  const cap = formatUsd(capMicros);
  for (let call = 1; call <= CALLS_MAX; call++) {
    const before = endpoint.requests.length;
    const { completion, refusedBy, text } = await harness.ask(agent, `${call} ${callText}`);
    clock.advance(PAUSE_MS);
    const after = endpoint.requests.length;
    if (completion !== null) {
      const found = `${after - before} requests, for ${formatUsd(completion.costMicros)}`;
      harness.expect(`call ${call} reaches the model`, after === before + 1, found);
      continue;
    }
    harness.did(`Called a model until the ${window}'s cap of ${cap} refused call ${call}.`);
    harness.expect("calls passed before the cap was reached", call > 1, `${call - 1} passed`);
    harness.expect(`the ${window}'s cap refuses call ${call}`, refusedBy === window, text);
    Object.assign(harness.figures, { requestsBeforeRefusal: before, requestsAfterRefusal: after });
    harness.expect(
      "the refused call sent no request",
      after === before,
      `${before} requests before it, ${after} after`,
    );
    await expectSpend(harness, agent, window, capMicros);
    harness.expectAlert(deployment, `cap_hit:${window}:`);
    const lines = deployment.logged("cap_hit").filter((line) => line.window === window);
    harness.expect("the log has cap_hit", lines.length > 0, `${lines.length} lines`);
    return { agent, callText };
  }
  harness.expect(
    `the ${window}'s cap of ${cap} is reached`,
    false,
    `${CALLS_MAX} calls passed and none was refused`,
  );
  return { agent, callText };
}

async function expectSpend(
  harness: Harness,
  agent: Agent,
  window: "day" | "hour",
  capMicros: number,
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
}
