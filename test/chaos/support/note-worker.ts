import { appendFileSync } from "node:fs";
import * as v from "valibot";
import { openAgent } from "../../../src/agent.ts";
import type { JobKind } from "../../../src/jobs/job.ts";

/*
 * `note-worker.ts CONFIG STATE ACKS FIRST COUNT`: adds the notes FIRST to FIRST + COUNT - 1, and appends each key to ACKS
 * once it has been accepted; then ticks until nothing is left. It may be killed at any moment.
 */
const [config, state, acks = "", first, count] = process.argv.slice(2);

const note: JobKind = {
  kind: "note",
  settings: v.strictObject({}),
  async run(context) {
    const { n } = v.parse(v.object({ n: v.number() }), context.payload);
    const parts = [];
    for (const part of ["one", "two"]) {
      parts.push(
        await context.complete(part, { messages: [{ role: "user", content: `note ${n} part ${part}` }] }),
      );
    }
    context.publish(`note-${n}.txt`, `${parts.map(({ text }) => text).join("\n")}\n`);
    return { units: 1, summary: `note ${n}` };
  },
};

const agent = await openAgent({ config, state, kinds: [note] });
process.stdout.write("ready\n");
for (let n = Number(first); n < Number(first) + Number(count); n++) {
  const { key } = await agent.enqueue("note", { key: `note-${n}`, payload: { n } });
  appendFileSync(acks, `${key}\n`);
}
while ((await agent.status()).queue.ready + (await agent.status()).queue.running > 0) {
  const result = await agent.tick();
  if (result.outcome === "failed" || result.outcome === "halted") throw new Error(String(result.reason));
}
await agent.close();
