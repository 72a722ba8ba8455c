import type { Behaviour, ModelServer } from "../../test/support/model-server.ts";
import { startOllama } from "../../test/support/ollama-server.ts";
import type { Tools } from "./benchmark.ts";

export type { ModelServer };

/** A model on 127.0.0.1, in this process, that answers at once unless it is told otherwise. */
export async function localModel(tools: Tools, behaviour?: Behaviour): Promise<ModelServer> {
  const server = await startOllama();
  tools.after(() => server.close());
  if (behaviour !== undefined) server.otherwise(behaviour);
  return server;
}

/** The part of afk.yaml that asks it. */
export function askingModel(server: ModelServer): object {
  return {
    models: {
      chain: ["ollama/bench"],
      max_output_tokens: 200,
      providers: { ollama: { base_url: server.url } },
    },
  };
}
