import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden } from "../forbidden.ts";

/** What is in a request's messages and its system prompt beyond text. */
export interface Content {
  /** Base64 of each picture in the body; null for one that stands elsewhere. */
  images: (string | null)[];
  /** The first part whose size nobody knows before it is read, such as a document; null for none. */
  unsized: string | null;
  /** Lifetimes of what is to be written to the cache, as they stand there. */
  cacheLifetimes: Set<unknown>;
  /** Tools that are defined in the conversation. */
  tools: { param: string; tool: unknown }[];
  /** The first part that goes to a container at the provider; null for none. */
  upload: string | null;
}

/** Blocks of text, and of what earlier replies held: their bytes bound their tokens. */
const TEXT_BLOCKS = new Set([
  "text",
  "thinking",
  "redacted_thinking",
  "tool_use",
  "tool_reference",
  "tool_removal",
  "browser_state",
  "server_tool_use",
  "web_search_tool_result",
  "web_fetch_tool_result",
  "advisor_tool_result",
  "code_execution_tool_result",
  "bash_code_execution_tool_result",
  "text_editor_code_execution_tool_result",
  "tool_search_tool_result",
  "mcp_tool_use",
  "mcp_tool_listing",
  "compaction",
  "fallback",
]);

/** Each block in a block adds at least ten characters: so deep does no conversation go. */
const PARAM_CHARACTERS_MAX = 1_000;

/**
 * Reads the content of a request.
 * @throws Forbidden for a type of block that is not known, as it may start work at the provider.
 */
export function readContent(said: Readonly<Record<string, unknown>>): Content {
  const found: Content = { images: [], unsized: null, cacheLifetimes: new Set(), tools: [], upload: null };
  noteCache(said, found);
  readBlocks(said.system, "system", found);
  const messages = listOf(said.messages);
  for (const [index, message] of messages.entries()) {
    if (isRecord(message)) readBlocks(message.content, `messages[${index}].content`, found);
  }
  return found;
}

/** A list as it is, one thing as a list of it, nothing as none: what a lenient server may take for a list is looked at as one. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/** Notes that something is to be cached. */
export function noteCache(holder: Record<string, unknown>, found: Pick<Content, "cacheLifetimes">): void {
  const control = holder.cache_control ?? null;
  if (control !== null) found.cacheLifetimes.add(isRecord(control) ? (control.ttl ?? "5m") : control);
}

function readBlocks(content: unknown, param: string, found: Content): void {
  for (const [index, block] of listOf(content).entries()) {
    if (isRecord(block)) readBlock(block, Array.isArray(content) ? `${param}[${index}]` : param, found);
  }
}

function readBlock(block: Record<string, unknown>, param: string, found: Content): void {
  if (param.length > PARAM_CHARACTERS_MAX) {
    throw new Forbidden(
      "messages",
      "messages: blocks stand in each other deeper than in any conversation. Send them as text.",
    );
  }
  noteCache(block, found);
  const { type, source } = block;
  switch (type) {
    case "tool_result":
    case "mcp_tool_result":
    case "search_result":
    case "connector_text":
    case "mid_conv_system":
      readBlocks(block.content, `${param}.content`, found);
      return;
    case "image":
      found.images.push(imageData(source));
      return;
    case "document":
      readDocument(source, param, found);
      return;
    case "container_upload":
      found.upload ??= param;
      return;
    case "tool_addition":
      readAddition(block, param, found);
      return;
    case "compaction":
      readBlocks(block.tool_changes, `${param}.tool_changes`, found);
      return;
    case "web_fetch_tool_result":
      if (isRecord(block.content)) readBlocks(block.content.content, `${param}.content.content`, found);
      return;
    default:
      if (typeof type !== "string" || !TEXT_BLOCKS.has(type)) throw unknownBlock(type, param);
  }
}

/** Another type of source may have data beside it, which nobody looks at. */
function imageData(source: unknown): string | null {
  const isHere = isRecord(source) && source.type === "base64" && typeof source.data === "string";
  return isHere ? String(source.data) : null;
}

/** Text is bounded by its bytes, and so are the blocks that it may be made of; pages and addresses are not. */
function readDocument(source: unknown, param: string, found: Content): void {
  const type = isRecord(source) ? source.type : undefined;
  if (isRecord(source) && type === "content") readBlocks(source.content, `${param}.source.content`, found);
  else if (type !== "text") found.unsized ??= param;
}

function readAddition({ tool }: Record<string, unknown>, param: string, found: Content): void {
  if (!isRecord(tool)) throw unknownBlock(undefined, `${param}.tool`);
  const { definition } = tool;
  if (definition !== undefined) found.tools.push({ param: `${param}.tool.definition`, tool: definition });
  // A tool that is only referred to stands in `tools` or in a definition, and is looked at there.
  else if (tool.type !== "tool_reference") found.tools.push({ param: `${param}.tool`, tool });
}

function unknownBlock(type: unknown, param: string): Forbidden {
  const named = typeof type === "string" ? `of type "${type.slice(0, 60)}"` : "without a type";
  return new Forbidden(
    param,
    `${param}: a block ${named} may start work at the provider whose cost has no bound that afk knows, so the request was not ` +
      "sent. Send it as text, or ask a model that costs nothing.",
  );
}
