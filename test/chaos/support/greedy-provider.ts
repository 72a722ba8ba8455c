import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

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
 * A provider (OpenAI's dialect) that bills the most it may: a token for each byte that arrived, and every token of output
 * that it was allowed. It bills before it answers, whether or not anybody is left to be answered. `onRequest` may
 * kill the asker meanwhile, and says whether to answer or to cut the connection.
 */
export async function greedyProvider(
  onRequest: (word: string) => Promise<"answer" | "reset">,
): Promise<GreedyProvider> {
  const bill: { word: string; micros: number }[] = [];
  const server = createServer(async (message, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const request = JSON.parse(body.toString("utf8"));
    const usage = { prompt_tokens: body.length, completion_tokens: request.max_tokens };
    const word = String(request.messages[0].content).split(" ")[0] ?? "";
    bill.push({
      word,
      micros: usage.prompt_tokens * PRICE.input + usage.completion_tokens * PRICE.output,
    });
    if ((await onRequest(word)) === "reset") message.socket.resetAndDestroy();
    else answer(response, request.model, usage);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => bill.length,
    billMicros: (word) =>
      bill
        .filter((line) => word === undefined || line.word === word)
        .reduce((sum, { micros }) => sum + micros, 0),
    clear: () => void bill.splice(0),
  };
}

function answer(
  response: ServerResponse,
  model: string,
  usage: { prompt_tokens: number; completion_tokens: number },
): void {
  const message = { role: "assistant", content: "Done." };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(
    JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_795_255_200,
      model,
      choices: [{ index: 0, message, finish_reason: "stop" }],
      usage,
    }),
  );
}
