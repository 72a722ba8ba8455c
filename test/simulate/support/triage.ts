import * as v from "valibot";
import type { JobKind } from "../../../src/jobs/job.ts";

/** A kind as users of the library write one: asks the model about each thing, and drafts an answer to some. */
const triage: JobKind<{ replies: string; perRun: number }> = {
  kind: "triage",
  settings: v.strictObject({ replies: v.string(), perRun: v.number() }),
  async run({ name, period, settings, complete, draft, publish }) {
    const said: string[] = [];
    for (let count = 1; count <= settings.perRun; count++) {
      const content = `Is matter ${count} of ${period.label} urgent? Say yes or no, and why. ${"Details. ".repeat(20)}`;
      const { text } = await complete(`matter:${count}`, { messages: [{ role: "user", content }] });
      said.push(text);
    }
    if (/[05]00$/.test(period.label))
      draft("reply", "post", { url: settings.replies, json: { said: said.length } });
    publish(`${name}-${period.label}.txt`, said.join("\n"));
    return { units: said.length, summary: `${said.length} matters` };
  },
};

export const kinds = [triage];
