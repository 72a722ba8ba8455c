// @module-tag processes
// @module-tag slow
import { describe, expect, it } from "vitest";
import { until } from "../support/postgres/until.ts";
import { fleet } from "./support/fleet.ts";
import type { Fault } from "./support/plant.ts";

/** It goes on as if it had never been away: neither its machine's lease nor its job's tells it so. */
const UNAWARE: Fault[] = [
  { file: "runner/machines/keep-part.ts", text: 'rails.watch.trip({ by: "signal"', fault: '({ by: "signal"' },
  {
    file: "runner/job/run-job.ts",
    text: "if (!done.signal.aborted) stop.abort(error);",
    fault: "",
  },
];
/** Nor does the gate, nor the look before the first byte. */
const UNCHECKED: Fault[] = [
  {
    file: "rails/machine.ts",
    text: "if (machine === null || runner === null || claim == null) return null;",
    fault: "return null;",
  },
  { file: "rails/machine.ts", text: "if (machine === null || claim == null) return;", fault: "return;" },
];

describe("a machine that was suspended and has not noticed", { timeout: 240_000 }, () => {
  /** How often it asks the model once it goes on, after another machine has done its job. */
  async function asksAgain(faults: readonly Fault[]): Promise<number> {
    const at = await fleet();
    const a = at.start("a", faults);
    await a.logged("thinking");
    a.kill("SIGSTOP");
    at.letGo("b");
    await at.start("b").logged("job_done");
    await until("the machine is marked as lost", async () =>
      (await at.query("select lost_at from machines")).some(({ lost_at }) => lost_at !== null),
    );
    const before = at.model.requests.length;
    at.letGo("a");
    a.kill("SIGCONT");
    await a.ended;
    return at.model.requests.length - before;
  }

  it("buys nothing, since the gate asks whose job it is", async () => {
    expect(await asksAgain(UNAWARE)).toBe(0);
  });

  it("would buy if the gate did not ask", async () => {
    expect(await asksAgain([...UNAWARE, ...UNCHECKED])).toBe(1);
  });
});
