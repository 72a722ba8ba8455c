import type { Answer, ListedModel, OwnRoute, Refusal, RequestHead } from "../protocol.ts";

const ROOT = "/v1/models";

/** The lists of models that OpenAI's clients ask for: those that its own routes reach. */
export const MODEL_ROUTES: readonly OwnRoute[] = [
  {
    type: "own",
    protocol: "openai",
    method: "GET",
    path: ROOT,
    answer: (_head, models) => json({ object: "list", data: models.filter(isReached).map(shape) }),
  },
  { type: "own", protocol: "openai", method: "GET", path: `${ROOT}/*`, answer: answerOne },
];

function answerOne(head: RequestHead, models: readonly ListedModel[]): Answer | Refusal {
  const name = decoded(head.path.slice(ROOT.length + 1));
  const found = models.filter(isReached).find((model) => model.name === name);
  if (found !== undefined) return json(shape(found));
  return {
    type: "model",
    model: name,
    message: `There is no model "${name.slice(0, 200)}" for this client; GET ${ROOT} lists those that there are.`,
  };
}

function isReached({ providerType }: ListedModel): boolean {
  return providerType === "openai" || providerType === "ollama";
}

function shape({ name, reference }: ListedModel) {
  return { id: name, object: "model", created: 0, owned_by: reference.split("/")[0] };
}

function json(said: unknown): Answer {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(said) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
