import { type Agent, type AgentOptions, openAgent } from "../agent.ts";
import { allKinds } from "../jobs/kinds.ts";
import { type Inspected, inspectState } from "../ops/inspect-state.ts";
import { readConfig } from "../ops/read-config.ts";
import type { GlobalValues } from "./command.ts";

/** Opens the agent that `--config` and `--state` name, hands it to `work`, and closes it whatever happens. */
export async function withAgent<T>(
  args: GlobalValues,
  work: (agent: Agent) => Promise<T>,
  options: AgentOptions = {},
): Promise<T> {
  const agent = await openAgent({ config: args.config, state: args.state, ...options });
  try {
    return await work(agent);
  } finally {
    await agent.close();
  }
}

/** Hands the state that `--config` and `--state` name to `work`, to be read: nothing is made, and nothing in it changes. */
export async function withState<T>(
  args: GlobalValues,
  work: (inspected: Inspected) => Promise<T>,
): Promise<T> {
  return await inspectState(
    readConfig(args, () => allKinds(args)),
    work,
  );
}
