import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { openAgent } from "../../../src/agent.ts";
import type { JobKind } from "../../../src/jobs/job.ts";
import { AfkError, messageOf } from "../../../src/lib/errors.ts";
import type { ModelRequest } from "../../../src/providers/types.ts";

/**
 * One machine of a fleet: `node member.ts FOLDER`, an agent's loop as `afk run` has it, with a kind of job that thinks twice and
 * between the two waits for the file `go`. It writes its log lines to standard output and ends as afk does.
 */
const [dir = "."] = process.argv.slice(2);

const ask = (content: string): ModelRequest => ({ messages: [{ role: "user", content }] });

const think: JobKind = {
  kind: "think",
  settings: v.looseObject({}),
  async run(context) {
    const name = dir.split("/").at(-1);
    await context.complete("first", ask(`first thought of ${name}`));
    context.log.event("info", "thinking");
    while (!existsSync(join(dir, "go"))) {
      context.signal.throwIfAborted();
      await pause(20);
    }
    await context.complete("second", ask(`second thought of ${name}`));
    context.publish("thoughts.md", `Thought on ${name}.\n`);
    return { units: 1, summary: "thought twice" };
  },
};

try {
  const agent = await openAgent({
    config: join(dir, "afk.yaml"),
    kinds: [think],
    ownsProcess: true,
    onLogLine: (line) => process.stdout.write(`${line}\n`),
  });
  process.once("SIGTERM", () => {
    agent.rails.watch.trip({ by: "signal", at: Date.now(), reason: "it was told to end" });
  });
  try {
    process.exitCode = await agent.run();
  } finally {
    await agent.close();
  }
} catch (error) {
  process.stdout.write(`${JSON.stringify({ event: "failed", error: messageOf(error) })}\n`);
  process.exitCode = error instanceof AfkError ? error.exitCode : 1;
}
