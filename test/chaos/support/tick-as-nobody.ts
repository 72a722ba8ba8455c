import { openAgent } from "../../../src/agent.ts";
import { runCli } from "../../../src/cli/run.ts";

/**
 * `afk tick` as a user who owns nothing: `tick-as-nobody.ts CONFIG STATE SCRATCH`. What is loaded late is loaded before,
 * by a tick on a scratch state, since the checkout need not be readable for that user.
 */
const [config = "", state = "", scratch = ""] = process.argv.slice(2);
const { default: tick } = await import("../../../src/cli/commands/tick.ts");
const agent = await openAgent({ config, state: scratch, environment: {} });
await agent.tick();
await agent.close();
process.setgroups?.([]);
process.setgid?.(65_534);
process.setuid?.(65_534);
const commands = { tick: { group: "Work", description: "", load: async () => ({ default: tick }) } };
process.exitCode = await runCli({ name: "afk", version: "0", commands }, [
  "tick",
  "--config",
  config,
  "--state",
  state,
]);
