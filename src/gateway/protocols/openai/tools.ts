import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden, notAllowed } from "../forbidden.ts";
import type { AskedModel, CallRules } from "../protocol.ts";
import { nameOf } from "./content.ts";

/** A tool that runs at the provider: the owner's word that allows it, and its name in the price. */
interface ServerTool {
  types: RegExp;
  allowedBy: string;
  /** Null where nothing bounds what it costs. */
  price: string | null;
}

const SERVER_TOOLS: readonly ServerTool[] = [
  { types: /^web_search_preview/, allowedBy: "web_search", price: "web_search_preview" },
  { types: /^web_search/, allowedBy: "web_search", price: "web_search" },
  { types: /^file_search$/, allowedBy: "file_search", price: "file_search" },
  { types: /^code_interpreter$/, allowedBy: "code_execution", price: "code_interpreter" },
  { types: /^image_generation$/, allowedBy: "image_generation", price: null },
  { types: /^mcp$/, allowedBy: "mcp", price: null },
  { types: /^shell$/, allowedBy: "code_execution", price: null },
];

/** They run where the client runs, and cost nothing but their tokens. */
const CLIENT_TOOLS = new Set(["function", "custom", "local_shell", "apply_patch"]);

/** A tool of tools holds no other of its kind, but a hostile request might. */
const DEPTH_MAX = 3;

/**
 * The tools of a list that run at the provider, by their names in the price.
 * @throws Forbidden for what has no bound, no price, or is not allowed
 */
export function serverTools(
  tools: unknown,
  at: string,
  model: AskedModel,
  rules: CallRules,
  depth = 0,
): Set<string> {
  const found = new Set<string>();
  if (model.isFree || tools === undefined || tools === null) return found;
  if (!Array.isArray(tools) || depth > DEPTH_MAX) {
    throw new Forbidden(at, `"${at}" is no plain list of tools, so the request was not sent; send a list.`);
  }
  tools.forEach((tool, index) => {
    const place = `${at}[${index}]`;
    const type = isRecord(tool) ? tool.type : undefined;
    if (isRecord(tool) && type === "namespace") {
      for (const name of serverTools(tool.tools, `${place}.tools`, model, rules, depth + 1)) found.add(name);
      return;
    }
    const name = isRecord(tool) ? priceName(tool, place, model, rules) : refuse(place, type, model);
    if (name !== null) found.add(name);
  });
  return found;
}

/** Null for a tool that runs at the client. */
function priceName(
  tool: Record<string, unknown>,
  at: string,
  model: AskedModel,
  rules: CallRules,
): string | null {
  const type = typeof tool.type === "string" ? nameOf(tool.type) : "";
  if (CLIENT_TOOLS.has(type)) return null;
  if (type === "tool_search" && tool.execution === "client") return null;
  if (type === "shell" && isRecord(tool.environment) && tool.environment.type === "local") return null;
  if (type === "computer" || type === "computer_use_preview") {
    if (rules.allow.has("computer_use")) return null;
    throw notAllowed(at, atAPrice(type), "computer_use");
  }
  const known = SERVER_TOOLS.find(({ types }) => types.test(type));
  if (known === undefined) return refuse(at, type, model);
  if (!rules.allow.has(known.allowedBy)) throw notAllowed(at, atAPrice(type), known.allowedBy);
  const { container } = tool;
  const isLarge = isRecord(container) && ![undefined, null, "1g"].includes(container.memory_limit as string);
  if (known.price === null || isLarge || !model.isOriginal) {
    throw new Forbidden(
      at,
      `Nothing bounds what the tool "${type}" can cost on ${model.reference}, so it is refused although it is allowed; leave it out.`,
    );
  }
  if (!Object.hasOwn(model.price.tools ?? {}, known.price)) {
    throw new Forbidden(
      at,
      `The price of the tool "${type}" on ${model.reference} is not known, so the request has no bound; leave the tool out.`,
    );
  }
  return known.price;
}

function refuse(at: string, type: unknown, model: AskedModel): never {
  throw new Forbidden(
    at,
    `The tool "${nameOf(type)}" would run at the provider, and what it can cost on ${model.reference} is not known; leave it out.`,
  );
}

function atAPrice(type: string): string {
  return `The tool "${type}" runs at the provider at a price of its own`;
}
