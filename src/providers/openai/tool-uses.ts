import { countIn, isRecord } from "../reply-json.ts";
import type { UnknownCost } from "../types.ts";

/** Calls in `output` that cost nothing beside their tokens: the client runs them, or they are a remote server's. */
const FREE_CALLS = [
  "function",
  "custom_tool",
  "local_shell",
  "apply_patch",
  "computer",
  "tool_search",
  "mcp",
];

/** What a web search does that is no search. */
const FREE_WEB_ACTIONS = ["open_page", "find_in_page", "find"];

/** Uses of tools that ran at the provider, by their names in `Price.tools`, where a reply tells of them. */
export function toolUsesIn(
  said: Record<string, unknown>,
  usage: Record<string, unknown>,
): { uses: Record<string, number> } | UnknownCost {
  const search = searchTool(said.tools);
  const uses = outputUses(said, search);
  const billed = inside(said.tool_usage, "web_search");
  const counted: [from: unknown, name: string, tool: string][] = [
    [billed, "num_requests", search],
    // Perplexity, xAI, and bridges to Claude.
    [usage, "num_search_queries", "web_search"],
    [usage, "num_sources_used", "search_source"],
    [usage, "num_server_side_tools_used", "server_side_tool"],
    [usage.server_tool_use, "web_search_requests", "web_search"],
  ];
  for (const [from, name, tool] of counted) {
    const value = inside(from, name) ?? null;
    if (value === null) continue;
    const count = countIn(value);
    if (count === null) return { unknown: `its ${name} is no count of uses`, hasOtherPrices: true };
    // Of what OpenAI calls billable the bill is made, whatever stands in `output`; of all others the most counts.
    uses.set(tool, from === billed ? count : Math.max(count, uses.get(tool) ?? 0));
  }
  return { uses: Object.fromEntries([...uses].filter(([, count]) => count > 0)) };
}

function outputUses({ output, tools }: Record<string, unknown>, search: string): Map<string, number> {
  const uses = new Map<string, number>();
  const containers = new Set<unknown>();
  const size = containerSize(tools);
  for (const item of Array.isArray(output) ? output : []) {
    const type = isRecord(item) && typeof item.type === "string" ? item.type : "";
    if (!isRecord(item) || !type.endsWith("_call")) continue;
    const tool = type.slice(0, -"_call".length).slice(0, 50);
    if (FREE_CALLS.includes(tool) || isFree(tool, item)) continue;
    // A container is billed once, however often code runs in it.
    if (tool === "code_interpreter" && containers.has(item.container_id)) continue;
    if (typeof item.container_id === "string") containers.add(item.container_id);
    const name = tool === "code_interpreter" ? `${tool}${size}` : tool === "web_search" ? search : tool;
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return uses;
}

/** The older kind of search costs some models more. */
function searchTool(tools: unknown): string {
  const isOld = (Array.isArray(tools) ? tools : []).some((tool) =>
    String(inside(tool, "type")).startsWith("web_search_preview"),
  );
  return isOld ? "web_search_preview" : "web_search";
}

/** Part of the tool's name where a container has more memory, which has a price of its own: ` 4g`. */
function containerSize(tools: unknown): string {
  const asked = (Array.isArray(tools) ? tools : []).map((tool) =>
    inside(inside(tool, "container"), "memory_limit"),
  );
  const size = asked.find((each) => each !== undefined && each !== null && each !== "1g");
  return size === undefined ? "" : ` ${String(size).slice(0, 10)}`;
}

function isFree(tool: string, item: Record<string, unknown>): boolean {
  if (tool === "web_search") return FREE_WEB_ACTIONS.includes(String(inside(item.action, "type")));
  // A shell of the client's own.
  return tool === "shell" && inside(item.environment, "type") === "local";
}

function inside(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}
