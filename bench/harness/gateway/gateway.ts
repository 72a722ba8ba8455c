import { openAgent } from "../../../src/agent.ts";
import { openGateway } from "../../../src/gateway/gateway.ts";
import { createFindCaller } from "../../../src/gateway/keys.ts";

/** afk's gateway by itself, of the agent with this configuration and state. */
const [, , config = "", state = ""] = process.argv;
const agent = await openAgent({ config, state, environment: {} });
const { store, rails, log } = agent;
const current = { config: () => agent.config };
const findCaller = createFindCaller({ store, log, ...current });
const at = { listen: { host: "127.0.0.1", port: 0 }, tls: null };
const gateway = await openGateway({ rails, ...current, ...at, findCaller });
process.once("SIGTERM", () => void gateway.close().then(() => agent.close()));
process.stdout.write(`${gateway.url}\n`);
