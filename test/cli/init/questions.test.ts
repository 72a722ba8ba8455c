import { describe, expect, it } from "vitest";
import { digest } from "../../../src/cli/init/digest.ts";
import { askAnswers, USUAL_ANSWERS } from "../../../src/cli/init/questions.ts";

/** Answers in the order in which they are typed; "" is the usual one. */
async function answered(...typed: string[]) {
  const problems: string[] = [];
  const questions: string[] = [];
  const answers = await askAnswers(
    async (question, usual) => {
      questions.push(question);
      return typed.shift() || usual;
    },
    (problem) => problems.push(problem),
    digest,
  );
  return { answers, problems, questions };
}

describe("the questions of afk init", () => {
  it("take the usual answers for empty ones", async () => {
    const { answers, problems, questions } = await answered();
    expect(answers).toEqual(USUAL_ANSWERS);
    expect(problems).toEqual([]);
    expect(questions).toHaveLength(6);
  });

  it("ask for each again that afk would refuse, with the reason, before the next is asked", async () => {
    const { answers, problems, questions } = await answered(
      ...["My Agent!", "my-news"],
      ...["Mars/Olympus", "Europe/Berlin"],
      ...["a dollar", "-1", "1e9", "99999999", "0.50"],
      ...["openai/no-such-model", "gpt-5", "extractive"],
      ...[
        "example.org/feed",
        "ftp://example.org/feed",
        "https://",
        "https://news.example.org/rss, ./feed.xml",
      ],
      ...["carrier pigeon", "https://user:pass@example.org/", "https://hooks.slack.com/services/T0/B0/x"],
    );
    expect(answers).toEqual({
      agent: "my-news",
      timezone: "Europe/Berlin",
      dailyCapUsd: 0.5,
      model: "extractive",
      feeds: ["https://news.example.org/rss", "./feed.xml"],
      channel: { type: "slack", url: "https://hooks.slack.com/services/T0/B0/x" },
    });
    expect(problems).toHaveLength(questions.length - 6);
    expect(problems.join("\n")).toMatch(/time zone/);
    expect(problems.join("\n")).toMatch(/write an amount such as 1\.00/);
    expect(problems.join("\n")).toMatch(/openai\/no-such-model/);
    expect(problems.join("\n")).toContain(
      'found "example.org/feed"; write an address that begins with https://',
    );
    for (const problem of problems) expect(problem).toMatch(/^That cannot be: .*\.$/);
  });

  it("make a topic that nobody guesses, another one each time", async () => {
    const topics = await Promise.all(
      [1, 2].map(async () => (await answered("", "", "", "", "", "ntfy")).answers.channel),
    );
    for (const topic of topics)
      expect(topic).toEqual({ type: "ntfy", url: expect.stringMatching(/^https:\/\/ntfy\.sh\/afk-\w{16}$/) });
    expect(topics[0]).not.toEqual(topics[1]);
  });

  it("end after twenty wrong answers, and do not ask for ever", async () => {
    await expect(answered(...Array.from({ length: 30 }, () => "No such name!"))).rejects.toThrow(
      "nothing was changed",
    );
  });
});
