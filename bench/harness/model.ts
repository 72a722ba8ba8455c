import type { Behaviour } from "../../src/faults/model-answers.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import type { Tools } from "./benchmark.ts";

export type { ModelEndpoint };

/** A model on 127.0.0.1, in this process, that answers at once unless it is told otherwise. */
export async function localModel(tools: Tools, behaviour?: Behaviour): Promise<ModelEndpoint> {
  const server = await startModelEndpoint("ollama");
  tools.after(() => server.close());
  if (behaviour !== undefined) server.otherwise(behaviour);
  return server;
}

/** The part of afk.yaml that asks it. */
export function askingModel(server: ModelEndpoint): object {
  return {
    models: {
      chain: ["ollama/bench"],
      max_output_tokens: 200,
      providers: { ollama: { base_url: server.url } },
    },
  };
}
