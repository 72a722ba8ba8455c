import { onTestFinished } from "vitest";
import { limitOf } from "../../../src/faults/model-answers.ts";
import { startModelEndpoint } from "../../../src/faults/model-endpoint.ts";

/** USD per million tokens, which is micro-dollars per token. */
export const PRICE = { input: 3, output: 7 };

export interface GreedyProvider {
  url: string;
  requests(): number;
  /** Everything it billed since `clear`, and what it billed for prompts that begin with this word. */
  billMicros(word?: string): number;
  clear(): void;
}

/**
 * A provider (OpenAI's protocol) that bills the most it may: a token for each byte that arrived, and every token of output
 * that it was allowed. It bills before it answers, whether or not anybody is left to be answered. `onRequest` may
 * kill the asker meanwhile, and says whether to answer or to cut the connection.
 */
export async function greedyProvider(
  onRequest: (word: string) => Promise<"answer" | "reset">,
): Promise<GreedyProvider> {
  const bill: { word: string; micros: number }[] = [];
  const endpoint = await startModelEndpoint("openai");
  onTestFinished(() => endpoint.close());
  endpoint.otherwise(async ({ body, json }) => {
    const usage = { inputTokens: Buffer.byteLength(body), outputTokens: limitOf(json) };
    const [message] = json.messages as { content: string }[];
    const word = String(message?.content).split(" ")[0] ?? "";
    bill.push({ word, micros: usage.inputTokens * PRICE.input + usage.outputTokens * PRICE.output });
    const isReset = (await onRequest(word)) === "reset";
    return isReset ? { type: "reset" } : { type: "reply", text: "Done.", usage };
  });
  return {
    url: endpoint.url,
    requests: () => bill.length,
    billMicros: (word) =>
      bill
        .filter((line) => word === undefined || line.word === word)
        .reduce((sum, { micros }) => sum + micros, 0),
    clear: () => void bill.splice(0),
  };
}
