import * as v from "valibot";
import { AfkError, EXIT } from "../lib/errors.ts";
import type { ModelRequest } from "./types.ts";

/** Strips what it does not name: an image in a message, or a tool that runs at the provider, has a price of its own. */
const TextRequest = v.object({
  messages: v.array(v.object({ role: v.picklist(["system", "user", "assistant"]), content: v.string() })),
  maxOutputTokens: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  temperature: v.optional(v.pipe(v.number(), v.finite()), 0),
});

/** The request is not one whose cost has a bound, or none at all. Trying again cannot heal it. */
export class BadModelRequest extends AfkError {
  constructor(problem: string) {
    super("bad_model_request", `this request cannot be made, since a request is bounded text: ${problem}`, {
      retry: "never",
      exitCode: EXIT.usage,
    });
  }
}

/**
 * The request as it may be sent, from jobs and from users of the library, who may write no TypeScript: text and
 * nothing else, with a reply of at most `outputTokensMax`.
 * @throws BadModelRequest
 */
export function textRequest(request: ModelRequest, outputTokensMax: number): Required<ModelRequest> {
  const parsed = v.safeParse(TextRequest, request);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new BadModelRequest(`${v.getDotPath(issue) ?? "request"}: ${issue.message}`);
  }
  const { messages, temperature, maxOutputTokens = outputTokensMax } = parsed.output;
  return { messages, temperature, maxOutputTokens: Math.min(maxOutputTokens, outputTokensMax) };
}
