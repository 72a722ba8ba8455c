import { openAgent } from "../../src/agent.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { BreakerOpen } from "../../src/rails/halt.ts";

/**
 * A program that uses the library: `node one-call.ts FOLDER CALLS AHEAD_MS`. It asks the model CALLS times by a clock
 * that is AHEAD_MS ahead, and prints what became of each as one word.
 */
const [folder = ".", calls = "1", aheadMs = "0"] = process.argv.slice(2);
const clock = {
  ...systemClock,
  nowMs: () => systemClock.nowMs() + Number(aheadMs),
  uptimeMs: () => systemClock.uptimeMs() + Number(aheadMs),
};
const agent = await openAgent({ config: `${folder}/afk.yaml`, state: `${folder}/state`, clock });
for (let call = 0; call < Number(calls); call++) {
  try {
    const messages = [{ role: "user" as const, content: "Title of call-1" }];
    await agent.model.complete({ messages });
    process.stdout.write("answered\n");
  } catch (error) {
    process.stdout.write(
      error instanceof Error && error.cause instanceof BreakerOpen ? "left-alone\n" : "failed\n",
    );
  }
}
await agent.close();
