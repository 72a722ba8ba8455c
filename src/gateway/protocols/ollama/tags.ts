import type { Answer, ListedModel, RequestHead } from "../protocol.ts";

/** Nothing is known of a model's file here. */
const MODIFIED_AT = "1970-01-01T00:00:00Z";

/** GET /api/tags (https://docs.ollama.com/api/tags): the models that the client may use. */
export function listTags(_head: RequestHead, models: readonly ListedModel[]): Answer {
  const listed = models
    .filter(({ providerType }) => providerType === "ollama")
    .map(({ name }) => ({
      name,
      model: name,
      modified_at: MODIFIED_AT,
      size: 0,
      digest: "",
      details: { format: "", family: "", families: [], parameter_size: "", quantization_level: "" },
    }));
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ models: listed }),
  };
}
