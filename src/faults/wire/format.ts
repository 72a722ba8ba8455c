import type { Usage } from "../../providers/types.ts";

/** A call of one of the client's own tools. */
export interface ToolCall {
  name: string;
  arguments: Record<string, unknown>;
}

/** A model's reply before a wire format puts it into its own fields. */
export interface ModelReply {
  model: string;
  text: string;
  /** Asked for in addition to the text. */
  toolCall: ToolCall | null;
  /** Null leaves the figures out. */
  usage: Usage | null;
  /** In the format's own words, over the figures made from `usage`. */
  figures: Record<string, unknown>;
  /** Figures that a stream gives before the final ones; null for what the format has there. */
  earlierFigures: Record<string, unknown> | null;
  isTruncated: boolean;
  /** The request that it answers. */
  asked: Record<string, unknown>;
}

/** How one kind of request is answered on the wire. */
export interface WireFormat {
  /** Nobody pays for it. */
  isFree?: true;
  /** It reads a prompt and writes nothing. */
  isInputOnly?: true;
  isStreamed(asked: Record<string, unknown>): boolean;
  streamType: string;
  /** The reply that is not streamed. */
  document(reply: ModelReply): unknown;
  /** The whole events of a streamed reply. */
  events(reply: ModelReply): string[];
  /** The event with which a stream fails. */
  errorEvent(message: string): string;
  /** An event without any content, as it is sent to keep a connection open. */
  ping: string;
  /** The beginning of an event whose end is still to come. */
  openEvent: string;
}

/** The words of a text with the space behind each, which are the pieces that a model writes. */
export function words(text: string): string[] {
  return text.split(/(?<= )/).filter((word) => word !== "");
}

/** One server-sent event; without a name, just its data. */
export function sse(data: unknown, name?: string): string {
  const line = `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
  return name === undefined ? line : `event: ${name}\n${line}`;
}

/** Whether the request asks for a stream in so many words. */
export const asksForStream = (asked: Record<string, unknown>): boolean => asked.stream === true;
