import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { messageOf } from "../../../src/lib/errors.ts";
import { type GuardedCall, guard } from "../../../src/rails/guard.ts";
import { CapReached } from "../../../src/rails/halt.ts";
import type { TestBudget } from "../../support/rails-on.ts";
import { type Fault, plant } from "./faults.ts";
import { openMachine } from "./machine.ts";

/** What a process of clients does: `sessions` stores with `perSession` callers each, who all begin together. */
export interface Orders {
  target: DatabaseTarget;
  budget: TestBudget;
  offMs: number;
  sessions: number;
  perSession: number;
  /** Each caller tries so often, and each call costs all that it was bounded by. */
  tries: number;
  call: Pick<GuardedCall<string>, "estimateMicros" | "estimateTokens" | "scope">;
  fault: Fault | null;
}

/** What became of the tries: refusals by the window and scope of their cap, and whatever else was thrown. */
export interface Outcome {
  accepted: number;
  refused: Record<string, number>;
  errors: string[];
}

process.on("message", (orders: Orders) =>
  act(orders).then(
    (outcome) => process.send?.(outcome),
    (error: Error) => process.send?.({ accepted: 0, refused: {}, errors: [String(error.stack)] }),
  ),
);
process.send?.("ready");

async function act(orders: Orders): Promise<Outcome> {
  const uproot = orders.fault === null ? () => undefined : plant(orders.fault);
  const dir = mkdtempSync(join(tmpdir(), "afk-fleet-client-"));
  const { target, budget, offMs, perSession } = orders;
  const opened = await Promise.allSettled(
    Array.from({ length: orders.sessions }, () => openMachine(target, { dir, budget, offMs: () => offMs })),
  );
  const machines = opened.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const outcome: Outcome = {
    accepted: 0,
    refused: {},
    // Those that did open are closed all the same: a session that stays would hide what went wrong here.
    errors: opened.flatMap((each) => (each.status === "rejected" ? [messageOf(each.reason)] : [])),
  };
  const callers = machines.flatMap((rails) => Array.from({ length: perSession }, () => rails));
  await Promise.all(
    callers.map(async (rails) => {
      for (let tries = 0; tries < orders.tries; tries++) {
        const { estimateMicros: costMicros, estimateTokens } = orders.call;
        const tokens = { inputTokens: estimateTokens - 1, outputTokens: 1 };
        await guard(rails, {
          ...orders.call,
          model: "openai/test",
          dependency: "model:openai/test",
          deadlineMs: 360_000,
          step: null,
          runner: null,
          requestHash: null,
          isDegraded: false,
          log: rails.log,
          perform: async () => ({ costMicros, ...tokens, value: "" }),
        }).then(
          () => {
            outcome.accepted += 1;
          },
          (error: unknown) => {
            if (error instanceof CapReached) {
              const name = `${error.window} ${error.refusal.unit} ${error.refusal.scope}`;
              outcome.refused[name] = (outcome.refused[name] ?? 0) + 1;
            } else outcome.errors.push(messageOf(error));
          },
        );
      }
    }),
  );
  await Promise.all(machines.map(({ store }) => store.close()));
  rmSync(dir, { recursive: true });
  uproot();
  return outcome;
}
