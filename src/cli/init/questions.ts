import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { channelOfUrl } from "../../alerts/channels/schema.ts";
import { ConfigError } from "../../config/errors.ts";
import { jobKinds } from "../../jobs/registry.ts";
import { systemClock } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import { readConfig } from "../../ops/read-config.ts";
import { UsageError } from "../command.ts";
import type { Example, TemplateAnswers } from "./example.ts";
import { EXAMPLES, exampleLines, findExample } from "./examples.ts";
import { renderTemplate } from "./template.ts";

/** Asks one question; an empty answer is `usual`. */
export type Ask = (question: string, usual: string) => Promise<string>;

/** What `afk init` takes where nobody is asked. */
export const USUAL_ANSWERS: TemplateAnswers = {
  agent: "my-agent",
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  dailyCapUsd: 1,
  model: "ollama/qwen2.5:3b",
  feeds: ["https://hnrss.org/frontpage"],
  channel: null,
};

const TRIES_MAX = 20;

interface Question {
  text: string;
  usual: string;
  /** What the answer says, or why it says nothing. */
  read(answer: string): Partial<TemplateAnswers> | string;
}

const QUESTIONS: readonly Question[] = [
  { text: "Name of the agent?", usual: USUAL_ANSWERS.agent, read: (agent) => ({ agent }) },
  { text: "Time zone?", usual: USUAL_ANSWERS.timezone, read: (timezone) => ({ timezone }) },
  {
    text: "The most it may spend in a day, in US dollars? (local models cost nothing; 0 refuses them too)",
    usual: String(USUAL_ANSWERS.dailyCapUsd),
    read(answer) {
      const dailyCapUsd = Number(answer.replace(/^\$/, ""));
      const isAmount = /^\$?\d{1,7}(?:\.\d+)?$/.test(answer);
      return isAmount
        ? { dailyCapUsd }
        : "write an amount such as 1.00; 0 refuses every call, and digests are made without a model";
    },
  },
  {
    text: "Model? (ollama/NAME, anthropic/NAME, openai/NAME; extractive needs none)",
    usual: USUAL_ANSWERS.model,
    read: (model) => ({ model }),
  },
  {
    text: "What should it read? (addresses of feeds, paths of folders, separated by spaces)",
    usual: USUAL_ANSWERS.feeds.join(" "),
    read: readSources,
  },
  {
    text: "Where do alerts go? (an ntfy, Slack, Discord or Telegram address; ntfy makes a new topic; none)",
    usual: "none",
    read: readChannel,
  },
];

/**
 * Asks what an afk.yaml needs. An answer that afk would refuse is asked for again at once, with the reason, which `report` is
 * given. @throws UsageError when there is no right answer after twenty tries
 */
export async function askAnswers(
  ask: Ask,
  report: (problem: string) => void,
  example: Example,
): Promise<TemplateAnswers> {
  let answers = USUAL_ANSWERS;
  for (const question of QUESTIONS)
    if (example.readsFeeds || question.read !== readSources)
      answers = await askUntilRight(question, ask, report, (said) => {
        if (typeof said === "string") return said;
        const after = { ...answers, ...said };
        const problem = problemOf(after, example);
        return problem ?? { answer: after };
      });
  return answers;
}

/** Asks what the agent is for. @throws UsageError as `askAnswers` does */
export async function askExample(ask: Ask, report: (problem: string) => void): Promise<Example> {
  const names = EXAMPLES.map(({ name }) => name).join(", ");
  const question = {
    text: ["What should it do?", ...exampleLines()].join("\n"),
    usual: EXAMPLES[0]?.name ?? "",
    read: findExample,
  };
  return await askUntilRight(question, ask, report, (found) =>
    found === null ? `write a number, or one of ${names}` : { answer: found },
  );
}

async function askUntilRight<Said, Answer>(
  { text, usual, read }: { text: string; usual: string; read(answer: string): Said },
  ask: Ask,
  report: (problem: string) => void,
  judge: (said: Said) => { answer: Answer } | string,
): Promise<Answer> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const found = judge(read((await ask(text, usual)).trim()));
    if (typeof found !== "string") return found.answer;
    report(`That cannot be: ${found}.`);
  }
  throw new UsageError("No answer was right after twenty tries; nothing was changed.");
}

function readSources(answer: string): Partial<TemplateAnswers> | string {
  const feeds = answer.split(/[\s,]+/).filter((feed) => feed !== "");
  // Without this "example.org/feed" would be a file of that name.
  const odd = feeds.find((feed) => !/^(?:[a-z][a-z0-9+.-]*:|\/|~\/|\.{1,2}(?:\/|$))/i.test(feed));
  if (odd === undefined) return { feeds };
  return `found ${JSON.stringify(odd)}; write an address that begins with https://, or a path that begins with ./, ~/ or /`;
}

function readChannel(answer: string): Partial<TemplateAnswers> | string {
  if (/^(?:none|no|-)?$/i.test(answer)) return { channel: null };
  const isNew = answer.toLowerCase() === "ntfy";
  // Whoever knows the name of a topic reads it: it has to be one that nobody guesses.
  const address = isNew ? `https://ntfy.sh/afk-${newId(systemClock.nowMs()).slice(-16)}` : answer;
  const channel = channelOfUrl(address);
  if (typeof channel === "string") return `${channel.replace(/^is /, "it is ")}; or ntfy, or none`;
  return { channel: { type: channel.type, url: address } };
}

/** What afk would refuse of a file with these answers: its first fault. */
function problemOf(answers: TemplateAnswers, example: Example): string | null {
  const dir = mkdtempSync(join(tmpdir(), "afk-init-"));
  const configFile = join(dir, "afk.yaml");
  try {
    writeFileSync(configFile, renderTemplate(answers, example), { mode: 0o600 });
    readConfig(
      { environment: example.variables, config: configFile, state: join(dir, "state") },
      () => jobKinds,
    );
    return null;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return (error.issues[0]?.message ?? error.message).replace(/\.$/, "");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
