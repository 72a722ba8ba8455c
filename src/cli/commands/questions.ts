import { systemClock } from "../../lib/clock.ts";
import { shortId } from "../../lib/ids.ts";
import { visible } from "../../lib/visible.ts";
import { shortMomentText } from "../../lib/zone.ts";
import { listQuestions, type QuestionView } from "../../ops/questions.ts";
import { meantId } from "../../ops/short-ids.ts";
import { defineCommand, exitCode, LIMIT } from "../command.ts";
import { withAgent, withState } from "../open.ts";
import { type Column, tableText } from "../text.ts";

const ID = {
  type: "positional",
  description: "The question's id, or as much of it as no other has",
} as const;

function columns(timezone: string, nowMs: number): Column<QuestionView>[] {
  const at = (iso: string | null) => (iso === null ? "-" : shortMomentText(Date.parse(iso), timezone, nowMs));
  return [
    ["ID", ({ id }) => shortId(id)],
    ["ASKED", ({ askedAt }) => at(askedAt)],
    ["UNTIL", ({ expiresAt }) => at(expiresAt)],
    ["STATE", ({ state }) => state],
    ["ABOUT", ({ kind }) => kind],
    ["JOB", ({ job }) => visible(job)],
  ];
}

const list = defineCommand({
  description: "What waits for an answer, the newest first",
  examples: ["afk questions", "afk questions list --all --json"],
  json: true,
  args: { all: { type: "boolean", description: "Those that were answered or are over too" }, limit: LIMIT },
  async run({ args }) {
    return await withState(args, async ({ db, config: { timezone } }) => {
      const nowMs = systemClock.nowMs();
      const questions = await listQuestions(db, { ...args, nowMs });
      const none = args.all ? "nothing was asked yet" : "nothing waits for your answer";
      const below = ({ message }: QuestionView) => visible(message.split("\n")[0] ?? "");
      return { json: questions, text: tableText(questions, columns(timezone, nowMs), none, below) };
    });
  },
});

/** Answers a question with yes or no. */
function answering(isYes: boolean, description: string) {
  const word = isYes ? "yes" : "no";
  return defineCommand({
    isForPeople: isYes,
    description,
    examples: [`afk questions ${word} ID`],
    json: true,
    args: { id: ID },
    async run({ args }) {
      return await withAgent(args, async (agent) => {
        const id = await meantId(agent.store.db, "questions", args.id);
        const { isTaken, text } = await agent.questions.answer(id, isYes);
        return { json: { id, answer: word, isTaken, text }, text: [text], exitCode: exitCode(isTaken) };
      });
    },
  });
}

export default defineCommand({
  subCommands: {
    list,
    yes: answering(true, "Lets the run that asked have as much more as it asked for, once"),
    no: answering(false, "Lets it wait for its cap"),
  },
  default: "list",
});
