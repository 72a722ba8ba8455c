import type { Answer, ListedModel, Refusal, RequestHead } from "./protocol.ts";

/** Where a list of models stands; one of them is behind it. */
export const MODELS_PATH = "/v1/models";

/** A reply of the gateway's own in JSON. */
export function json(value: unknown): Answer {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

/** The model that GET /v1/models/NAME asks for, by the name that the client sent, encoded or not. */
export function namedModel({ path }: RequestHead, models: readonly ListedModel[]): ListedModel | Refusal {
  const name = decoded(path.slice(MODELS_PATH.length + 1));
  const found = models.find((model) => model.name === name || model.reference === name);
  if (found !== undefined) return { ...found, name };
  const shown = JSON.stringify(name.slice(0, 200));
  const message = `afk: there is no model ${shown} that this key may use; GET ${MODELS_PATH} lists those that there are.`;
  return { type: "model", model: name, message };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
