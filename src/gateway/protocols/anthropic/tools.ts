import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden, notAllowed } from "../forbidden.ts";
import { type Content, listOf, noteCache } from "./content.ts";
import { wholeNumber } from "./terms.ts";

/** What the tools of a request can make its provider do. */
export interface ToolWork {
  /** How often the model may be run again with what a tool found. */
  rounds: number;
  /** What they find comes from elsewhere, so that every round may fill the model's context window. */
  isOutside: boolean;
  /** Uses of tools by their names in `Price.tools`, where each has a price. */
  uses: Record<string, number>;
  /** Other models that may be asked. */
  advisors: { param: string; model: unknown; uses: number; outputTokens: number }[];
  /** Tokens of what the provider writes about the tools. */
  addedTokens: number;
  /** The list to send instead, with every limit in it; null where it stays as it is. */
  pinned: unknown[] | null;
}

/** What tools are judged by. */
interface ToolRules {
  allow: ReadonlySet<string>;
  maxOutputTokens: number;
}

const USES_DEFAULT = 5;
/** More is no request, and as a cost would break the arithmetic. */
const ROUNDS_MAX = 10_000;
/** Rounds of what has no limit of its own: the provider pauses a loop of its own after ten. */
const LOOP_ROUNDS = 10;
/** Tokens around all tools, in the place of a definition that the provider itself has written, and of a set of them. */
const ADDED = { once: 1_024, defined: 2_048, set: 8_192 };
/** From this version on, what a search finds goes through code at the provider unless that is ruled out. */
const FILTERED_SINCE = 20260209;

const KINDS: readonly [pattern: RegExp, kind: Kind][] = [
  [/^custom$/, "client"],
  [/^(bash|text_editor|computer|memory)_\d{8}$/, "defined"],
  [/^(browser|computer)_toolset_\d{8}$/, "set"],
  [/^tool_search_tool_(bm25|regex)(_\d{8})?$/, "tool_search"],
  [/^web_search_\d{8}$/, "web_search"],
  [/^web_fetch_\d{8}$/, "web_fetch"],
  [/^code_execution_\d{8}$/, "code_execution"],
  [/^advisor_\d{8}$/, "advisor"],
  [/^mcp_(toolset|tool_reference|toolset_reference)$/, "mcp"],
];

type Kind =
  | "client"
  | "defined"
  | "set"
  | "tool_search"
  | "web_search"
  | "web_fetch"
  | "code_execution"
  | "advisor"
  | "mcp";

/**
 * Reads the tools of a request, in its list and in its conversation.
 * @throws Forbidden for what the owner does not allow, and for types that are not known.
 */
export function readTools(
  said: Readonly<Record<string, unknown>>,
  content: Content,
  rules: ToolRules,
): ToolWork {
  const work: ToolWork = {
    rounds: 0,
    isOutside: false,
    uses: {},
    advisors: [],
    addedTokens: 0,
    pinned: null,
  };
  const listed = listOf(said.tools);
  const sent = listed.map((tool, index) => addTool(tool, `tools[${index}]`, content, rules, work));
  if (sent.some((tool, index) => tool !== listed[index])) work.pinned = sent;
  for (const { param, tool } of content.tools) {
    if (addTool(tool, param, content, rules, work) !== tool) {
      throw new Forbidden(
        param,
        `${param}: a tool that runs at the provider needs max_uses here. State it, or list the tool in tools.`,
      );
    }
  }
  if (listOf(said.mcp_servers).length > 0) addLoop(work, allowed("mcp", "mcp_servers", rules));
  const inContainer = said.container === undefined || said.container === null ? content.upload : "container";
  if (inContainer !== null) addLoop(work, allowed("code_execution", inContainer, rules));
  if (listed.length + content.tools.length > 0) work.addedTokens += ADDED.once;
  if (work.rounds > ROUNDS_MAX) {
    throw new Forbidden(
      "tools",
      `tools: they may run ${work.rounds} times, which no model does. State a smaller max_uses.`,
    );
  }
  return work;
}

/** Adds what one tool can do, and gives the tool as it is to be sent. */
function addTool(tool: unknown, param: string, content: Content, rules: ToolRules, work: ToolWork): unknown {
  if (!isRecord(tool)) throw unknownTool(param, tool);
  noteCache(tool, content);
  const kind = kindOf(tool, param);
  switch (kind) {
    case "client":
      return tool;
    case "defined":
    case "set":
      work.addedTokens += ADDED[kind];
      return tool;
    case "tool_search":
      work.addedTokens += ADDED.defined;
      work.rounds += LOOP_ROUNDS;
      return tool;
    case "code_execution":
    case "mcp":
      addLoop(work, allowed(kind, param, rules));
      return tool;
    case "web_search":
    case "web_fetch":
      allowed(kind, param, rules);
      return addWeb(tool, kind, param, rules, work);
    case "advisor":
      allowed(kind, param, rules);
      return addAdvisor(tool, param, rules, work);
  }
}

function addWeb(
  tool: Record<string, unknown>,
  kind: "web_search" | "web_fetch",
  param: string,
  rules: ToolRules,
  work: ToolWork,
): Record<string, unknown> {
  const uses = wholeNumber(tool.max_uses, `${param}.max_uses`);
  const callers = tool.allowed_callers ?? null;
  const isFiltered = Number(String(tool.type).slice(-8)) >= FILTERED_SINCE;
  const isDirect = callers === null ? !isFiltered : listOf(callers).every((caller) => caller === "direct");
  const isRuledOut = !isDirect && callers === null && !rules.allow.has("code_execution");
  if (!isDirect && !isRuledOut) addLoop(work, allowed("code_execution", `${param}.allowed_callers`, rules));
  addRounds(work, uses ?? USES_DEFAULT);
  work.uses[kind] = (work.uses[kind] ?? 0) + (uses ?? USES_DEFAULT);
  if (uses !== null && !isRuledOut) return tool;
  return { ...tool, max_uses: uses ?? USES_DEFAULT, ...(isRuledOut ? { allowed_callers: ["direct"] } : {}) };
}

function addAdvisor(
  tool: Record<string, unknown>,
  param: string,
  rules: ToolRules,
  work: ToolWork,
): Record<string, unknown> {
  const uses = wholeNumber(tool.max_uses, `${param}.max_uses`);
  const limit = wholeNumber(tool.max_tokens, `${param}.max_tokens`);
  const stated = { max_uses: uses ?? USES_DEFAULT, max_tokens: limit ?? rules.maxOutputTokens };
  addRounds(work, stated.max_uses);
  const { max_uses: times, max_tokens: outputTokens } = stated;
  work.advisors.push({ param: `${param}.model`, model: tool.model, uses: times, outputTokens });
  return uses === null || limit === null ? { ...tool, ...stated } : tool;
}

function addRounds(work: ToolWork, rounds: number): void {
  work.addedTokens += ADDED.defined;
  work.rounds += rounds;
  work.isOutside = true;
}

function addLoop(work: ToolWork, kind: Kind): void {
  addRounds(work, LOOP_ROUNDS);
  if (kind === "code_execution") work.uses[kind] = (work.uses[kind] ?? 0) + LOOP_ROUNDS;
}

function allowed<K extends Kind>(kind: K, param: string, { allow }: ToolRules): K {
  if (allow.has(kind)) return kind;
  throw notAllowed(param, `${param}: ${kind} runs at the provider at a price of its own`, kind);
}

function kindOf(tool: Record<string, unknown>, param: string): Kind {
  const type = tool.type ?? "custom";
  const kind = typeof type === "string" ? KINDS.find(([pattern]) => pattern.test(type))?.[1] : undefined;
  if (kind === undefined) throw unknownTool(param, type);
  return kind;
}

function unknownTool(param: string, type: unknown): Forbidden {
  const named = typeof type === "string" ? `"${type.slice(0, 60)}"` : "that is no text";
  return new Forbidden(
    param,
    `${param}: a tool of type ${named} may start work at the provider whose cost has no bound that afk knows, so the request ` +
      "was not sent. Leave the tool out, or ask a model that costs nothing.",
  );
}
