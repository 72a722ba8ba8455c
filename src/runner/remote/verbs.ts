import type { Config } from "../../config/config.ts";
import { nearest } from "../../lib/nearest.ts";
import { oneLine } from "../../lib/text.ts";
import type { Status } from "../../ops/status.ts";
import { pauseJob } from "../../queue/pause.ts";
import { readKill, setKill } from "../../rails/kill.ts";
import type { Rails } from "../../rails/rails.ts";
import type { Trx } from "../../store/schema.ts";
import { afterCommit } from "../../store/store.ts";
import { type AnswerVerb, answerByCode } from "../questions/answer.ts";
import { type ApprovedDrafts, performDraft } from "../questions/perform.ts";
import { createRemoteQuestions } from "../questions/phone-questions.ts";
import type { Obey, Obeyed, RemoteQuestions } from "./message.ts";
import { statusText } from "./status-text.ts";
import { isStop } from "./stop-words.ts";

/** What the verbs work with. Nothing here can raise a cap, clear the switch, or approve without a code. */
export interface VerbUses {
  rails: Pick<Rails, "store" | "outbox" | "clock" | "log" | "budget" | "stopFile">;
  current(): Pick<Config, "jobs">;
  status(): Promise<Status>;
  /** Told when a run may go on, so that the loop of this process looks at once. */
  wake(): void;
  /** What does a draft that was approved by its code. */
  drafts: ApprovedDrafts;
}

/** One verb: the message that it is, and what it does in the section that notes the message. */
interface Verb {
  name: string;
  /** For the help. */
  usage: string;
  pattern: RegExp;
  run(uses: VerbUses, at: { trx: Trx; by: string; rest: string }): Promise<Obeyed>;
}

const REASON_CHARS_MAX = 200;
/**
 * What a code may look like when it is typed: phones put a dot where two blanks were, and people write in groups. Whether it is one
 * is seen by its hash.
 */
const CODE = String.raw`[\s:.,]+(?=(?:[\s.-]*\w){4,16}$)(\w+(?:[\s.-]+\w+){0,3})$`;

const VERBS: readonly Verb[] = [
  {
    name: "stop",
    usage: "stop [reason]: no model is called, until afk resume at the keyboard",
    pattern: /^stop\b[\s:,.!-]*(.*)$/is,
    run: async ({ rails }, { trx, by, rest }) => {
      const before = await readKill(trx, rails.stopFile);
      const reason = oneLine(rails.outbox.redact(rest), REASON_CHARS_MAX);
      const told = reason === "" ? "" : `: ${reason}`;
      await setKill(trx, rails.outbox.announce, `by the phone (${by})${told}`, rails.clock.nowMs());
      return before === null
        ? { reply: `Stopped: no model is called. ${RESUME}` }
        : { reply: `It is stopped already: ${before.reason}. ${RESUME}` };
    },
  },
  {
    name: "status",
    usage: "status: how the agent is",
    pattern: /^status$/i,
    run: async ({ status, rails }) => {
      return { reply: null, after: async () => statusText(await status(), rails.budget.timezone) };
    },
  },
  {
    name: "pause",
    usage: "pause NAME: puts a job off, until afk unpause at the keyboard",
    pattern: /^pause\s+(\S+)$/i,
    run: async ({ rails, current }, { trx, by, rest }) => {
      const names = current().jobs.map(({ name }) => name);
      const name = rest.toLowerCase();
      if (!names.includes(name)) {
        const meant = nearest(name, names);
        const known = meant === null ? `the jobs are ${names.join(", ")}` : `write: pause ${meant}`;
        return { reply: `There is no job of that name; ${known}` };
      }
      const isNew = await pauseJob(trx, { job: name, by, reason: null }, rails.clock.nowMs());
      const told = isNew ? `${name} is paused; what runs goes on to its end` : `${name} was paused before`;
      return { reply: `${told}. Only at the keyboard: afk unpause ${name}` };
    },
  },
  answering("approve", "approve CODE: what a job asked for is done"),
  answering("reject", "reject CODE: it is closed and not done"),
  answering("yes", "yes CODE: the run may use as much more as it asked for"),
  answering("no", "no CODE: it waits for its cap"),
  {
    name: "help",
    usage: "help: this list",
    pattern: /^(?:help|start|\?)$/i,
    run: async () => ({ reply: HELP }),
  },
];

const RESUME = "Only at the keyboard: afk resume";

/** @returns the verb that answers a question by its code. */
function answering(name: AnswerVerb, usage: string): Verb {
  return {
    name,
    usage,
    pattern: new RegExp(`^${name}${CODE}`, "i"),
    run: async ({ rails, drafts, wake }, { trx, by, rest }) => {
      const { text, approved, isTaken } = await answerByCode(trx, rails, { verb: name, code: rest, by });
      if (isTaken) afterCommit(trx, wake);
      return approved === undefined
        ? { reply: text }
        : { reply: text, after: async () => await performDraft(drafts, approved) };
    },
  };
}

const HELP = ["What can be sent:", ...VERBS.map(({ usage }) => usage)].join("\n");

/** What a person does at the keyboard alone, by the word that a message begins with. */
const KEYBOARD_ONLY =
  /^(?:resume|unpause|start|run|tick|go|continue|raise|cap|caps|budget|grant|set|config|enqueue|retry|dead|key|keys|adopt|restore|reconcile|ledger|release|unstop|clear)\b/i;
const ONLY_KEYBOARD = "That is done only at the keyboard; nothing was done.";
const NEEDS_CODE = /^(approve|reject|yes|no)\b/i;

/**
 * Obeys what the phone says, by the one table of verbs: it can stop, pause, ask, and answer a question by its code. Everything
 * else does nothing, and is answered.
 */
export function createVerbs(uses: VerbUses): { obey: Obey; questions: RemoteQuestions } {
  return { obey: obeying(uses), questions: createRemoteQuestions(uses.rails) };
}

function obeying(uses: VerbUses): Obey {
  return async (trx, { text }, by) => {
    const typed = plain(text);
    const said = isStop(typed) ? "stop" : typed;
    for (const verb of VERBS) {
      const found = verb.pattern.exec(said);
      if (found !== null) return await verb.run(uses, { trx, by, rest: found[1]?.trim() ?? "" });
    }
    if (KEYBOARD_ONLY.test(said)) return { reply: ONLY_KEYBOARD };
    const [, word] = NEEDS_CODE.exec(said) ?? [];
    if (word !== undefined)
      return {
        reply: `${word.toLowerCase()} needs the code of its question, and nothing else: nothing was done.`,
      };
    return { reply: `That is not known; nothing was done.\n${HELP}` };
  };
}

/** As it was meant: a slash before the verb, and the bot's name behind it, are how one talks to bots. */
function plain(text: string): string {
  return text
    .normalize("NFKC")
    .trim()
    .replace(/^\//, "")
    .replace(/^(\w+)@\w+/, "$1")
    .replace(/[.!]+$/, "");
}
