import { join } from "node:path";
import { createChain } from "../../../src/providers/chain.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import { onGo } from "../../support/child-work.ts";
import { railsOn } from "../../support/rails-on.ts";
import { ASK, pricedChain } from "./priced.ts";

/** Makes one priced call in a process of its own, as the runner `gone`: `call-child.ts DIR PROVIDER URL`. */
const [dir = "", provider = "openai", url = ""] = process.argv.slice(2);
const store = await openStore(join(dir, "afk.db"));
const rails = railsOn(store, dir);
const chain = createChain(rails, pricedChain(`${provider}/test`, url));

onGo(async () => {
  await chain.complete(ASK, { scope: { tick: null, job: null }, log: rails.log, runner: "gone" });
  return "answered";
});
