import { setTimeout as sleep } from "node:timers/promises";
import { openAgent } from "../../src/agent.ts";

/** `afk run` that ends by itself, with 7, in the middle of its work: `node exit-in-work.ts FOLDER MS`. */
const [folder = ".", ms = "0"] = process.argv.slice(2);
const agent = await openAgent({
  config: `${folder}/afk.yaml`,
  state: `${folder}/state`,
  environment: {},
  ownsProcess: true,
});
void agent.run();
await sleep(Number(ms));
process.exit(7);
