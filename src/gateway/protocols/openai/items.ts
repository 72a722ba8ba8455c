import { isRecord } from "../../../providers/reply-json.ts";
import type { AskedModel } from "../protocol.ts";
import { addContent, addElsewhere, addImage, type Content, nameOf, refuseUnknown } from "./content.ts";

type Item = Record<string, unknown>;
type AddItem = (content: Content, item: Item, at: string, model: AskedModel) => void;

const bytesAlone: AddItem = () => {};
const elsewhere: AddItem = (content, _item, at) => addElsewhere(content, at);

/** What each item of a conversation adds beyond its bytes (https://platform.openai.com/docs/api-reference/responses/create). */
const ITEMS: Readonly<Record<string, AddItem>> = {
  message: addMessage,
  agent_message: addMessage,
  function_call: bytesAlone,
  function_call_output: addOutput,
  custom_tool_call: bytesAlone,
  custom_tool_call_output: addOutput,
  local_shell_call: bytesAlone,
  local_shell_call_output: bytesAlone,
  shell_call: bytesAlone,
  shell_call_output: bytesAlone,
  apply_patch_call: bytesAlone,
  apply_patch_call_output: bytesAlone,
  computer_call: bytesAlone,
  computer_call_output: addOutput,
  mcp_list_tools: bytesAlone,
  mcp_call: bytesAlone,
  mcp_approval_request: bytesAlone,
  mcp_approval_response: bytesAlone,
  tool_search_call: bytesAlone,
  tool_search_output: addTools,
  additional_tools: addTools,
  configuration_update: bytesAlone,
  compaction: addSealed,
  compaction_summary: addSealed,
  context_compaction: addSealed,
  compaction_trigger: (content) => {
    content.isCompacted = true;
  },
  reasoning: addSealed,
  image_generation_call: (content, { result }, _at, model) => {
    const url = typeof result === "string" ? `data:image/png;base64,${result}` : null;
    addImage(content, url, undefined, model);
  },
  // What these found may be kept at the provider, and is read again.
  web_search_call: elsewhere,
  file_search_call: elsewhere,
  code_interpreter_call: elsewhere,
  program: elsewhere,
  program_output: elsewhere,
  item_reference: elsewhere,
};

/** Adds the input of a response: a text, or a list of messages and other items. @throws Forbidden */
export function addItems(content: Content, input: unknown, at: string, model: AskedModel): void {
  const items = Array.isArray(input) ? input : [input];
  items.forEach((item, index) => {
    content.messages += 1;
    if (!isRecord(item)) return;
    const place = `${at}[${index}]`;
    // A reference may leave its type out.
    const type = item.type ?? (item.role === undefined ? "item_reference" : "message");
    const add = typeof type === "string" && Object.hasOwn(ITEMS, type) ? ITEMS[type] : undefined;
    if (add === undefined) refuseUnknown(content, `${place}.type`, `the item "${nameOf(type)}"`, model);
    else add(content, item, place, model);
  });
}

/** By its id alone it lies at the provider. */
function addMessage(content: Content, item: Item, at: string, model: AskedModel): void {
  if (item.content === undefined) addElsewhere(content, at);
  else addContent(content, item.content, `${at}.content`, model);
}

/** What a tool gave back: a text, or parts with pictures. */
function addOutput(content: Content, item: Item, at: string, model: AskedModel): void {
  addContent(content, item.output, `${at}.output`, model);
}

/** Tools that come into the conversation later are used like those of the request. */
function addTools(content: Content, item: Item, at: string): void {
  content.tools.push({ at: `${at}.tools`, tools: item.tools });
}

/** Sealed content has its bytes here; by its id alone it lies at the provider. */
function addSealed(content: Content, item: Item, at: string): void {
  if (typeof item.encrypted_content !== "string" && typeof item.id === "string") addElsewhere(content, at);
}
