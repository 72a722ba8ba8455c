import { expect } from "vitest";
import type { StreamReader } from "../../../../src/gateway/protocols/protocol.ts";

/** The data of one event. */
export const data = (said: unknown) => `data: ${JSON.stringify(said)}`;

/** The same figures as both APIs name them, and as they are read. */
export const USAGE = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 40, cache_write_tokens: 10 },
  completion_tokens_details: { reasoning_tokens: 5 },
};
export const RESPONSES_USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 40, cache_write_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
};
export const FIGURES = { inputTokens: 50, cacheReadTokens: 40, cacheWriteTokens: 10, outputTokens: 20 };

export const RESPONSE = {
  id: "resp_1",
  object: "response",
  model: "gpt-5.5-2026-04-23",
  status: "completed",
  service_tier: "default",
  error: null,
};

/** What a reader makes of whole events. */
export function read(reader: StreamReader, events: string[]) {
  const passed = events.filter((each) => reader.take(Buffer.from(each)) === "pass");
  expect(reader.isComplete()).toBe(reader.end().isComplete);
  return { ...reader.end(), passed };
}

/** The whole events of a stream that was cut; what comes after the last empty line is none. */
export const wholeEvents = (bytes: Buffer) =>
  bytes
    .toString("latin1")
    .split("\n\n")
    .slice(0, -1)
    .map((each) => Buffer.from(each, "latin1"));
