import type { Answer, ListedModel, Refusal, RequestHead } from "../protocol.ts";

/** Where the day of a model's release is not known, the API says this. */
const CREATED_AT = "1970-01-01T00:00:00Z";
const SPEAKERS = ["anthropic", "ollama"];
const PREFIX = "/v1/models/";

/** GET /v1/models (https://platform.claude.com/docs/en/api/models-list): what the client may use, on one page. */
export function listModels(_head: RequestHead, models: readonly ListedModel[]): Answer {
  const data = speakers(models).map(entry);
  return json({
    data,
    has_more: false,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  });
}

/** GET /v1/models/NAME. */
export function showModel({ path }: RequestHead, models: readonly ListedModel[]): Answer | Refusal {
  const name = decoded(path.slice(PREFIX.length));
  const found = speakers(models).find((model) => model.name === name || model.reference === name);
  if (found !== undefined) return json(entry({ ...found, name }));
  const message = `There is no model "${name}" that this key may use. GET /v1/models lists those that there are.`;
  return { type: "model", model: name, message };
}

/** A reply of the gateway's own in JSON. */
export function json(value: unknown): Answer {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function speakers(models: readonly ListedModel[]): readonly ListedModel[] {
  return models.filter(({ providerType }) => SPEAKERS.includes(providerType));
}

function entry({ name }: ListedModel) {
  return { type: "model", id: name, display_name: name, created_at: CREATED_AT };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
