import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { EXAMPLES, exampleNamed } from "../../../src/cli/init/examples.ts";
import { askAnswers, askExample, USUAL_ANSWERS } from "../../../src/cli/init/questions.ts";
import { renderTemplate } from "../../../src/cli/init/template.ts";
import { jobKinds } from "../../../src/jobs/registry.ts";
import { readConfig } from "../../../src/ops/read-config.ts";
import { tempDir } from "../../support/temp.ts";

describe("the choice of examples", () => {
  it("is by name or number, and asked for again until there is one", async () => {
    const typed = ["no-such-example", "0", "2"];
    const problems: string[] = [];
    const questions: string[] = [];
    const chosen = await askExample(
      async (question, usual) => {
        questions.push(question);
        return typed.shift() ?? usual;
      },
      (problem) => problems.push(problem),
    );
    expect(chosen).toBe(EXAMPLES[1]);
    expect(questions[0]).toMatch(/1 {2}digest .*\n {2}2 {2}brief /);
    expect(problems).toEqual(Array(2).fill(expect.stringMatching(/write a number, or one of digest, brief/)));
    expect(await askExample(async (_question, usual) => usual, problems.push)).toBe(exampleNamed("digest"));
  });

  it("is refused under a name that there is not", () => {
    expect(() => exampleNamed("nothing")).toThrow(
      `There is no example "nothing"; there are ${EXAMPLES.map(({ name }) => name).join(", ")}`,
    );
  });

  it("asks for feeds only where they are read", async () => {
    const questions: string[] = [];
    const ask = async (question: string, usual: string) => {
      questions.push(question);
      return usual;
    };
    await askAnswers(ask, () => {}, { ...exampleNamed("digest"), readsFeeds: false });
    expect(questions.join()).not.toContain("What should it read?");
  });
});

test.each(EXAMPLES.map((example) => [example.name, example] as const))(
  "%s is accepted as it is written",
  (_name, example) => {
    const dir = tempDir();
    const config = join(dir, "afk.yaml");
    for (const answers of [USUAL_ANSWERS, { ...USUAL_ANSWERS, feeds: [], dailyCapUsd: 0 }]) {
      writeFileSync(config, renderTemplate(answers, example));
      const read = readConfig(
        { environment: example.variables, config, state: join(dir, "state") },
        () => jobKinds,
      );
      expect(read.jobs.map(({ name }) => name)).toContain(example.first.job);
    }
    if (example.name !== "digest")
      expect(existsSync(new URL(`../../../examples/${example.name}`, import.meta.url))).toBe(true);
  },
);
