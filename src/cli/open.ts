import { type Agent, type AgentOptions, openAgent } from "../agent.ts";
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
