import { openAgent } from "../../../src/agent.ts";
import { AfkError, messageOf } from "../../../src/lib/errors.ts";
import type { Deployment } from "../../support/afk.ts";
import type { FakeClock } from "../../support/fake-clock.ts";

/** How one tick ended, as `afk tick` would show it. */
export interface TickEnd {
  code: number;
  outcome: string;
  message: string;
  /** False: a person would see a stack. */
  isExplained: boolean;
}

/** Opens the agent, ticks and closes it: `afk tick` in this process, since a start costs a hundred times the work. */
export async function tickOnce(target: Deployment, clock: FakeClock, now?: string): Promise<TickEnd> {
  try {
    const agent = await openAgent({ config: target.configFile, state: target.state, environment: {}, clock });
    try {
      const { exitCode, outcome, reason } = await agent.tick({ now });
      return { code: exitCode, outcome, message: reason ?? "", isExplained: true };
    } finally {
      await agent.close();
    }
  } catch (error) {
    const code = error instanceof AfkError ? error.exitCode : 1;
    return { code, outcome: "thrown", message: messageOf(error), isExplained: error instanceof AfkError };
  }
}
