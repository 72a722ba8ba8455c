import { join } from "node:path";
import type { Scope } from "../../src/lib/windows.ts";
import { CallFailed } from "../../src/rails/call.ts";
import { passGates } from "../../src/rails/gates.ts";
import { guard } from "../../src/rails/guard.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { onGo } from "../support/child-work.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type RailsOn, railsOn, type TestBudget } from "../support/rails-on.ts";

/** What a process of its own is told: `children.ts DIR JSON`. */
export interface Orders {
  /** Calls to make, one after the other; "reserve" passes the gates once and then waits to be killed. */
  calls: number | "reserve";
  /** The server that is called. It answers with what the call cost, in micro-dollars. */
  url: string;
  estimateMicros: number;
  /** Tokens that bound a call; 2 unless stated, which is what it takes. */
  estimateTokens?: number;
  caps: TestBudget;
  /** Whose the calls are. */
  scope?: Partial<Scope>;
  runner: string | null;
  /** How much later than the test's clock this process begins. */
  laterMs: number;
}

const [dir = "", orders = ""] = process.argv.slice(2);
const told: Orders = JSON.parse(orders);
const clock = fakeClock();
clock.advance(told.laterMs);
const store = await openStore(join(dir, "afk.db"));
const rails = railsOn(store, dir, { clock, budget: told.caps });

onGo(async () => {
  if (told.calls === "reserve") return await passGates(rails, callOf(rails));
  const outcomes: string[] = [];
  for (let n = 0; n < told.calls; n++) {
    const outcome = await guard(rails, callOf(rails)).catch(
      (error: { code?: string }) => error.code ?? "error",
    );
    outcomes.push(outcome);
  }
  return outcomes;
});

function callOf(on: RailsOn) {
  return {
    model: "openai/test",
    dependency: "model:openai/test",
    estimateMicros: told.estimateMicros,
    estimateTokens: told.estimateTokens ?? 2,
    deadlineMs: 60_000,
    scope: { tick: null, job: null, ...told.scope },
    step: null,
    runner: told.runner,
    requestHash: null,
    isDegraded: false,
    log: on.log,
    async perform(signal: AbortSignal) {
      const response = await fetch(told.url, { method: "POST", signal });
      if (response.status === 503) throw new CallFailed("busy", { charge: "none", trip: "none" });
      return {
        costMicros: Number(await response.text()),
        inputTokens: 1,
        outputTokens: 1,
        value: "answered",
      };
    },
  };
}
