import { resolve } from "node:path";
import type { Expectation } from "../../config/expect.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { globMatcher } from "../../lib/glob.ts";
import { oneLine } from "../../lib/text.ts";
import type { JobResult } from "../job.ts";
import { openJsonCheck } from "./json-check.ts";

/** What a run gave. */
export interface Given {
  result: JobResult;
  files: readonly { name: string; content: string }[];
  /** When it ended, in epoch milliseconds. */
  nowMs: number;
}

/** What is missing of what was expected, each as a clause; empty where nothing is. */
export type Judge = (given: Given) => string[];

const NAMES_SHOWN = 5;

/**
 * Gets ready to judge a run, before it begins: a run that cannot be judged is none.
 * @param base the folder that paths of afk.yaml start from.
 * @throws PermanentFailure (`expect_schema`) for a schema that cannot be used.
 */
export async function openJudge(expected: Expectation, base: string): Promise<Judge> {
  const { units, file, isJson, schemaPath, contains, maxAgeMs } = expected;
  const check = isJson ? await openJsonCheck(schemaPath === null ? null : resolve(base, schemaPath)) : null;
  // Names are bare, so that a star cannot lead out of the folder.
  const isMeant = file === null ? null : globMatcher(file);
  return ({ result, files, nowMs }) => {
    const missing: string[] = [];
    if (result.units < units)
      missing.push(`it gave ${result.units} units, where at least ${units} was expected`);
    const named = isMeant === null ? [] : files.filter(({ name }) => isMeant(name));
    if (isMeant !== null && named.length === 0) {
      missing.push(`it made no file like ${file} (${madeText(files)})`);
    } else {
      const printed =
        result.output === undefined ? [] : [{ name: "what it printed", content: result.output }];
      const texts = isMeant === null ? printed : named;
      if (check !== null) missing.push(...notJson(texts.length > 0 ? texts : files, check));
      if (contains.length > 0)
        missing.push(...notContained(texts.length > 0 ? texts : [...files, reportOf(result)], contains));
    }
    if (maxAgeMs !== null) missing.push(...tooOld(result.newestInputMs ?? null, maxAgeMs, nowMs));
    return missing;
  };
}

interface Text {
  name: string;
  content: string;
}

function notJson(texts: readonly Text[], check: (document: string) => string | null): string[] {
  if (texts.length === 0) return ["it printed nothing and made no file, where JSON was expected"];
  return texts.flatMap(({ name, content }) => {
    const problem = check(content);
    return problem === null ? [] : [`${name} ${problem}`];
  });
}

function notContained(texts: readonly Text[], wanted: readonly string[]): string[] {
  const names = texts
    .map(({ name }) => name)
    .slice(0, NAMES_SHOWN)
    .join(", ");
  return wanted.flatMap((each) =>
    texts.some(({ content }) => content.includes(each))
      ? []
      : [`${JSON.stringify(oneLine(each, 80))} is not in ${names}`],
  );
}

function tooOld(newestMs: number | null, maxAgeMs: number, nowMs: number): string[] {
  if (newestMs === null) return ["nothing that it read says how old it is"];
  if (nowMs - newestMs <= maxAgeMs) return [];
  const [age, most] = [nowMs - newestMs, maxAgeMs].map((ms) => formatDuration(ms));
  return [`the newest of what it read is ${age} old, where at most ${most} was expected`];
}

function reportOf({ summary, report }: JobResult): Text {
  const sections = JSON.stringify(report?.sections ?? []);
  return { name: "its report", content: [report?.title, report?.text, sections, summary].join("\n") };
}

function madeText(files: readonly { name: string }[]): string {
  if (files.length === 0) return "it made none";
  const shown = files.slice(0, NAMES_SHOWN).map(({ name }) => name);
  return `it made ${shown.join(", ")}${files.length > shown.length ? ", …" : ""}`;
}
