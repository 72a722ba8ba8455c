import type { Rule } from "./rule.ts";
import { isNode, type Node, type Source } from "./source.ts";

/** What agents, items, clients of the gateway and messages from the phone reach. */
const REACHED = /^(gateway|jobs|egress|providers|delivery|runner\/(job|gateway|phases|remote))\//;

/** Files that are a person's verbs as a whole: what they do raises, clears, approves or gives away. */
const PEOPLE_FILES = new Set([
  "agent.ts",
  "library.ts",
  "ops/adopt.ts",
  "ops/client-keys.ts",
  "ops/restore.ts",
  "rails/grant.ts",
  "rails/reconcile.ts",
  "rails/resume.ts",
  "runner/drafts/drafts.ts",
  "runner/pause-by-hand.ts",
  "runner/questions/answer.ts",
  "runner/questions/grant-asked.ts",
  "runner/questions/questions.ts",
]);

/** The same of files that hold other things too. */
const PEOPLE_NAMES: Readonly<Record<string, readonly string[]>> = {
  "queue/pause.ts": ["unpauseJob"],
  "rails/breaker.ts": ["clearBlocked"],
  "rails/budget-time.ts": ["acceptWallClock"],
  "rails/kill.ts": ["clearKill"],
  "runner/drafts/state.ts": ["claimDraft", "endDraft"],
  "runner/questions/question.ts": ["close"],
};

/** The one way in: the table of verbs may answer a question by its code, and the answer may grant what was asked for. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  "runner/questions/answer.ts": ["runner/remote/verbs.ts", "runner/questions/questions.ts"],
  "runner/questions/grant-asked.ts": ["runner/questions/answer.ts"],
  "rails/grant.ts": ["runner/questions/grant-asked.ts"],
};

interface Named {
  target: string;
  names: readonly string[];
  line: number;
}

/** Imports of a file with the names that they take; `*` for all. */
function namedImports(source: Source): Named[] {
  return source.nodes.flatMap(({ node, line }) => {
    const specifier = isNode(node.source) ? node.source.value : undefined;
    const edge = source.imports.find((each) => each.specifier === specifier && each.line === line);
    if (edge?.target === undefined) return [];
    return [{ target: edge.target, names: namesOf(node), line }];
  });
}

function namesOf(node: Node): string[] {
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  const names = specifiers.flatMap((specifier) => {
    const name = specifier.type === "ExportSpecifier" ? specifier.local : specifier.imported;
    return isNode(name) ? [String(name.name)] : [];
  });
  return names.length === specifiers.length && names.length > 0 ? names : ["*"];
}

function isVerb({ target, names }: Named): boolean {
  const held = PEOPLE_NAMES[target] ?? [];
  return (
    PEOPLE_FILES.has(target) || names.some((name) => held.includes(name) || (name === "*" && held.length > 0))
  );
}

export const VERB_RULES: readonly Rule[] = [
  {
    name: "what agents reach imports no verb of a person: nothing there resumes, unpauses, raises, approves or grants",
    check: (source) =>
      namedImports(source)
        .filter(({ target }) => !DOORS[target]?.includes(source.path))
        .filter((edge) => (REACHED.test(source.path) || DOORS[edge.target] !== undefined) && isVerb(edge))
        .map(({ target, names, line }) => ({ line, message: `imports ${names.join(", ")} of ${target}` })),
    breaks: [
      ["gateway/a.ts", 'import { resume } from "../rails/resume.ts";'],
      ["jobs/exec/a.ts", 'import { clearKill } from "../../rails/kill.ts";'],
      ["jobs/exec/a.ts", 'import * as kill from "../../rails/kill.ts";'],
      ["jobs/exec/a.ts", 'const { resume } = await import("../../rails/resume.ts");'],
      ["egress/a.ts", 'export { clearBlocked } from "../rails/breaker.ts";'],
      ["providers/chain.ts", 'import { acceptWallClock as now } from "../rails/budget-time.ts";'],
      ["runner/job/a.ts", 'import { grantToRun } from "../../rails/grant.ts";'],
      ["runner/job/a.ts", 'import { reconcile } from "../../rails/reconcile.ts";'],
      ["runner/job/a.ts", 'import { answer } from "../questions/answer.ts";'],
      ["runner/gateway/a.ts", 'import { makeKey } from "../../ops/client-keys.ts";'],
      ["runner/remote/a.ts", 'import { answerByCode } from "../questions/answer.ts";'],
      ["runner/remote/verbs.ts", 'import { createQuestions } from "../questions/questions.ts";'],
      ["runner/remote/verbs.ts", 'import { approveDraft } from "../drafts/drafts.ts";'],
      ["runner/remote/verbs.ts", 'import { claimDraft } from "../drafts/state.ts";'],
      ["runner/remote/verbs.ts", 'import { unpauseJob } from "../../queue/pause.ts";'],
      ["runner/remote/verbs.ts", 'import { close } from "../questions/question.ts";'],
      ["runner/remote/verbs.ts", 'import { grantToRun } from "../../rails/grant.ts";'],
      ["runner/tick.ts", 'import { grantToRun } from "../rails/grant.ts";'],
      ["delivery/a.ts", 'import { openAgent } from "../agent.ts";'],
    ],
    keeps: [
      ["runner/remote/verbs.ts", 'import { answerByCode } from "../questions/answer.ts";'],
      ["runner/remote/verbs.ts", 'import { pauseJob } from "../../queue/pause.ts";'],
      ["runner/remote/verbs.ts", 'import { readKill, setKill } from "../../rails/kill.ts";'],
      ["runner/questions/answer.ts", 'import { grantAsked } from "./grant-asked.ts";'],
      ["runner/questions/grant-asked.ts", 'import { grantToRun } from "../../rails/grant.ts";'],
      ["runner/job/a.ts", 'import { askAboutCap } from "../questions/cap-question.ts";'],
      ["cli/commands/resume.ts", 'import { resume } from "../../rails/resume.ts";'],
    ],
  },
];

/** The files that agents reach through others, and by which a person's verb would be within their reach; each with the way there. */
export function verbsWithinReach(sources: readonly Source[]): string[] {
  const imports = new Map(sources.map((source) => [source.path, namedImports(source)]));
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const edge of imports.get(path) ?? []) {
      if (DOORS[edge.target]?.includes(path)) continue;
      if (isVerb(edge)) found.push([...way, path, edge.target].join(" -> "));
      else visit(edge.target, [...way, path]);
    }
  };
  for (const { path } of sources) if (REACHED.test(path)) visit(path, []);
  return found;
}
