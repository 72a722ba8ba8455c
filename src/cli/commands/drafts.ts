import { EXIT } from "../../lib/errors.ts";
import { visible } from "../../lib/visible.ts";
import { listDrafts } from "../../ops/drafts.ts";
import { checkApprovable } from "../../runner/drafts/drafts.ts";
import { defineCommand, LIMIT } from "../command.ts";
import { fieldLines, previewLines } from "../draft-lines.ts";
import { withAgent } from "../open.ts";
import { printJson, printLines } from "../output.ts";
import { withState } from "../state.ts";
import { printTable } from "../text.ts";
import { stopOnSignals } from "../worker.ts";

const ID = { type: "positional", description: "The draft's id" } as const;

const list = defineCommand({
  description: "Irreversible actions waiting for a person, the newest first",
  examples: ["afk drafts", "afk drafts list --all --json"],
  json: true,
  args: {
    all: { type: "boolean", description: "Those that were done or rejected too" },
    limit: LIMIT,
  },
  async run({ args }) {
    const drafts = await withState(args, ({ db }) => listDrafts(db, args));
    if (args.json) return printJson(drafts);
    if (drafts.length === 0) return printLines([args.all ? "no job drafted anything yet" : "nothing waits"]);
    printTable(drafts, [
      { title: "ID", value: (draft) => draft.id },
      { title: "STATE", value: (draft) => draft.state },
      { title: "JOB", value: (draft) => visible(draft.jobName) },
      { title: "ACTION", value: (draft) => visible(draft.action) },
      { title: "NAME", value: (draft) => visible(draft.name).slice(0, 60) },
      { title: "DRAFTED", value: (draft) => draft.createdAt },
    ]);
  },
});

const show = defineCommand({
  description: "One draft, and the request that approving it sends",
  examples: ["afk drafts show ID"],
  json: true,
  args: { id: ID },
  async run({ args }) {
    const preview = await withAgent(args, (agent) => agent.drafts.preview(args.id));
    if (args.json) printJson(preview);
    else printLines(previewLines(preview, process.stdout.columns));
  },
});

const approve = defineCommand({
  description: "Does what a draft says, once",
  examples: ["afk drafts approve ID --dry-run", "afk drafts approve ID", "afk drafts approve ID --again"],
  json: true,
  args: {
    id: ID,
    "dry-run": { type: "boolean", description: "Show exactly what would be sent, and send nothing" },
    again: { type: "boolean", description: "Try it though an earlier try may have done it" },
  },
  async run({ args }) {
    return await withAgent(args, async (agent) => {
      if (args["dry-run"]) {
        const preview = await agent.drafts.preview(args.id);
        checkApprovable(args.id, preview.draft.state, args.again);
        if (args.json) printJson({ dryRun: true, ...preview });
        else printLines([...previewLines(preview, process.stdout.columns), "nothing was sent (--dry-run)"]);
        return preview.refusal === null ? EXIT.ok : EXIT.failed;
      }
      stopOnSignals(agent);
      const approval = await agent.drafts.approve(args.id, { isAgain: args.again });
      if (args.json) printJson(approval);
      else
        printLines(
          approval.state === "done"
            ? fieldLines([["done", approval.summary]])
            : fieldLines([[approval.state === "pending" ? "not done" : "unknown", approval.error]]),
        );
      return approval.state === "done" ? EXIT.ok : EXIT.failed;
    });
  },
});

const reject = defineCommand({
  description: "Closes a draft for good without doing it",
  examples: ["afk drafts reject ID"],
  json: true,
  args: { id: ID },
  async run({ args }) {
    const { wasUnknown } = await withAgent(args, (agent) => agent.drafts.reject(args.id));
    if (args.json) printJson({ id: args.id, state: "rejected", wasUnknown });
    else
      printLines([
        `rejected ${args.id}${wasUnknown ? "; an earlier try may have done it all the same" : ""}`,
      ]);
  },
});

export default defineCommand({
  subCommands: { list, show, approve, reject },
  default: "list",
});
