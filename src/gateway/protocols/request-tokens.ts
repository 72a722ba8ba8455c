import { tokensMax } from "../../providers/estimate.ts";
import type { CallBody } from "./protocol.ts";

/**
 * The JSON text that stands for a body where its size or its words count: as it came, or without the escapes that make
 * characters look smaller than they are. U+FDFA is six bytes as an escape, and 33 where a tokenizer normalises it first.
 */
export function plainText({ text, said }: Pick<CallBody, "text" | "said">): string {
  return text.includes("\\u") ? JSON.stringify(said) : text;
}

/** The most tokens of input that a request's text can be; `messageCount` bounds what is added around each. */
export function requestTokensMax(body: Pick<CallBody, "text" | "said">, messageCount: number): number {
  const plain = plainText(body);
  const tokens = tokensMax(plain, messageCount);
  return plain === body.text ? tokens : Math.max(tokens, tokensMax(body.text, messageCount));
}
