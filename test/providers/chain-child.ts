import { join } from "node:path";
import { createChain } from "../../src/providers/chain.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { onGo } from "../support/child-work.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { railsOn } from "../support/rails-on.ts";
import { chainConfig } from "./chain-config.ts";

/** Asks a chain of one Ollama model once, in a process of its own: `chain-child.ts DIR URL LATER_MS`. */
const [dir = "", url = "", laterMs = "0"] = process.argv.slice(2);
const clock = fakeClock();
clock.advance(Number(laterMs));
const store = await openStore(join(dir, "afk.db"));
const rails = railsOn(store, dir, { clock });
const chain = createChain(rails, chainConfig(["ollama/test"], { ollama: url }));

onGo(async () => {
  const request = { messages: [{ role: "user" as const, content: "Summarise: the harbour is open." }] };
  await chain.complete(request, { scope: { tick: null, job: null }, log: rails.log });
  return "answered";
});
