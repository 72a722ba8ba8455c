import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden } from "../forbidden.ts";
import type { AskedModel } from "../protocol.ts";
import { imageTokensMax } from "./images.ts";

/** What a request holds beside its own text. */
export interface Content {
  messages: number;
  /** Bytes of pictures in the text; they count `imageTokens` instead. */
  imageBytes: number;
  imageTokens: number;
  /** The first field that stands for something that lies elsewhere; null where all of it is in the request. */
  elsewhere: string | null;
  /** Tools that stand among the messages, with their places. */
  tools: { at: string; tools: unknown }[];
  /** The conversation is made shorter by a pass of its own. */
  isCompacted: boolean;
}

/** Nothing yet. */
export function noContent(): Content {
  return { messages: 0, imageBytes: 0, imageTokens: 0, elsewhere: null, tools: [], isCompacted: false };
}

/** Parts that are text, however they are called: their bytes bound them. */
const TEXT_PARTS = new Set<unknown>([
  "text",
  "input_text",
  "output_text",
  "reasoning_text",
  "summary_text",
  "refusal",
  "thinking",
  "encrypted_content",
]);

/** Adds the parts of a message's content: a text, a list of parts, or one part. @throws Forbidden */
export function addContent(content: Content, said: unknown, at: string, model: AskedModel): void {
  if (Array.isArray(said)) {
    said.forEach((part, index) => {
      addPart(content, part, `${at}[${index}]`, model);
    });
  } else addPart(content, said, at, model);
}

function addPart(content: Content, part: unknown, at: string, model: AskedModel): void {
  if (!isRecord(part) || TEXT_PARTS.has(part.type)) return;
  switch (part.type) {
    case "image_url":
    case "input_image":
    case "computer_screenshot":
      addImagePart(content, part, at, model);
      break;
    case "file":
    case "input_file":
      // OpenRouter has it read by another service, at a price for each page.
      if (model.server === "openrouter") refuseUnknown(content, at, `the content "${part.type}"`, model);
      // Even where its bytes are here: they are compressed, and its pages are read as pictures too.
      addElsewhere(content, at);
      break;
    case "input_audio":
    case "audio":
      refuseAudio(at, model);
      break;
    default:
      refuseUnknown(content, `${at}.type`, `the content "${nameOf(part.type)}"`, model);
  }
}

/** Chat has an object with the address in it, the other API the address alone; a file beside it may be what is taken. */
function addImagePart(content: Content, part: Record<string, unknown>, at: string, model: AskedModel): void {
  const { image_url: image, file_id: file } = part;
  const { url, detail = part.detail } = isRecord(image) ? image : { url: image };
  if (mayBeOther(url, model)) addElsewhere(content, at);
  addImage(content, (file ?? null) === null ? url : null, detail, model);
}

/** Bridges to other models take documents and films for pictures, by what their address says or the file there is. */
function mayBeOther(url: unknown, model: AskedModel): boolean {
  if (typeof url !== "string" || /^data:image\//i.test(url)) return false;
  return !model.isOriginal || /^data:/i.test(url);
}

/** Adds a picture: a data address, whose size is in it, or one that lies elsewhere. */
export function addImage(content: Content, url: unknown, detail: unknown, model: AskedModel): void {
  const text = typeof url === "string" ? url : "";
  const comma = /^data:[^,]{0,256};base64,/i.exec(text)?.[0].length ?? 0;
  const base64 = comma > 0 ? text.slice(comma) : null;
  content.imageBytes += base64?.length ?? 0;
  content.imageTokens += imageTokensMax(model.model, detail, base64);
}

/** Notes that the request stands for more than it holds. */
export function addElsewhere(content: Content, at: string): void {
  content.elsewhere ??= at;
}

/** @throws Forbidden unless the model is free */
export function refuseAudio(at: string, model: AskedModel): void {
  if (model.isFree) return;
  throw new Forbidden(
    at,
    `Audio has prices of its own, which are not known for ${model.reference}, so the request has no bound; send text.`,
  );
}

/** @throws Forbidden unless the model is free, which then may hold anything */
export function refuseUnknown(content: Content, at: string, what: string, model: AskedModel): void {
  addElsewhere(content, at);
  if (model.isFree) return;
  throw new Forbidden(
    at,
    `What ${what} at ${at} can cost on ${model.reference} is not known, so the request was not sent; leave it out.`,
  );
}

/** A type that stands in a message, short enough for one. */
export function nameOf(type: unknown): string {
  return String(type ?? "").slice(0, 60);
}
