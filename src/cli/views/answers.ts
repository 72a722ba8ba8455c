import { type CapAnswers, grantText } from "../../ops/condition/questions.ts";
import { oneLine, paint } from "../output.ts";

/** Rows of what is asked about caps, and of what runs may use beyond them: of the status, and below the ledger. */
export function answerRows({ questions, grants }: CapAnswers): [label: string, text: string][] {
  return [
    ...questions.map(({ job, message }, i): [string, string] => [
      i === 0 ? "questions" : "",
      `${paint("yellow", `${job} asks whether it may go on`)}: ${oneLine(message)} Answer: afk questions`,
    ]),
    ...grants.map((grant, i): [string, string] => [i === 0 ? "granted" : "", oneLine(grantText(grant))]),
  ];
}
