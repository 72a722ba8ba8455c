import { systemClock } from "../../lib/clock.ts";
import { shortId } from "../../lib/ids.ts";
import { visible } from "../../lib/visible.ts";
import { shortMomentText } from "../../lib/zone.ts";
import { type DraftView, listDrafts } from "../../ops/drafts.ts";
import { meantId } from "../../ops/short-ids.ts";
import { checkApprovable } from "../../runner/drafts/drafts.ts";
import { defineCommand, exitCode, LIMIT } from "../command.ts";
import { fieldLines, previewLines } from "../draft-lines.ts";
import { withAgent, withState } from "../open.ts";
import { type Column, tableText } from "../text.ts";
import { stopOnSignals } from "../worker.ts";

const ID = { type: "positional", description: "The draft's id, or as much of it as no other has" } as const;

function columns(timezone: string, nowMs: number): Column<DraftView>[] {
  return [
    ["ID", ({ id }) => shortId(id)],
    ["DRAFTED", ({ createdAt }) => shortMomentText(Date.parse(createdAt), timezone, nowMs)],
    ["STATE", ({ state }) => state],
    ["JOB", ({ jobName }) => visible(jobName)],
    ["ACTION", ({ action }) => visible(action)],
    ["NAME", ({ name }) => visible(name).slice(0, 60)],
  ];
}

const list = defineCommand({
  description: "Irreversible actions waiting for a person, the newest first",
  examples: ["afk drafts", "afk drafts list --all --json"],
  json: true,
  args: {
    all: { type: "boolean", description: "Those that were done or rejected too" },
    limit: LIMIT,
  },
  async run({ args }) {
    return await withState(args, async ({ db, config: { timezone } }) => {
      const drafts = await listDrafts(db, args);
      const none = args.all ? "no job drafted anything yet" : "nothing waits for your approval";
      return { json: drafts, text: tableText(drafts, columns(timezone, systemClock.nowMs()), none) };
    });
  },
});

const show = defineCommand({
  description: "One draft, and the request that approving it sends",
  examples: ["afk drafts show ID"],
  json: true,
  args: { id: ID },
  async run({ args }) {
    const preview = await withAgent(args, async (agent) =>
      agent.drafts.preview(await meantId(agent.store.db, "drafts", args.id)),
    );
    return { json: preview, text: previewLines(preview, process.stdout.columns) };
  },
});

const approve = defineCommand({
  isForPeople: true,
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
      const id = await meantId(agent.store.db, "drafts", args.id);
      if (args["dry-run"]) {
        const preview = await agent.drafts.preview(id);
        checkApprovable(id, preview.draft.state, args.again);
        return {
          json: { dryRun: true, ...preview },
          text: [...previewLines(preview, process.stdout.columns), "nothing was sent (--dry-run)"],
          exitCode: exitCode(preview.refusal === null),
        };
      }
      stopOnSignals(agent);
      const approval = await agent.drafts.approve(id, { isAgain: args.again });
      const text =
        approval.state === "done"
          ? fieldLines([["done", approval.summary]])
          : fieldLines([[approval.state === "pending" ? "not done" : "unknown", approval.error]]);
      return { json: approval, text, exitCode: exitCode(approval.state === "done") };
    });
  },
});

const reject = defineCommand({
  description: "Closes a draft for good without doing it",
  examples: ["afk drafts reject ID"],
  json: true,
  args: { id: ID },
  async run({ args }) {
    const { id, wasUnknown } = await withAgent(args, async (agent) => {
      const meant = await meantId(agent.store.db, "drafts", args.id);
      return { id: meant, ...(await agent.drafts.reject(meant)) };
    });
    const doubt = wasUnknown ? "; an earlier try may have done it all the same" : "";
    return { json: { id, state: "rejected", wasUnknown }, text: [`rejected ${id}${doubt}`] };
  },
});

export default defineCommand({
  subCommands: { list, show, approve, reject },
  default: "list",
});
