import { CallFailed } from "../rails/call.ts";

/** Ollama names it in what it says of a model, and in the model's replies. */
export function remoteHostIn({
  remote_host: host,
  remote_model: model,
}: Record<string, unknown>): string | null {
  if (typeof host === "string" && host !== "") return host;
  return typeof model === "string" && model !== "" ? "another machine" : null;
}

/** The model's name said nothing of it, so it was taken for one that runs here and costs nothing. */
export function remoteFailure(reference: string, host: string, charge: "none" | "unknown"): CallFailed {
  const message =
    `${reference} runs at ${host.slice(0, 100)}, where it may cost money, and its price is not known, so afk does not ` +
    `call it. State it in afk.yaml under models.prices: "${reference}": { input: …, output: … }`;
  return new CallFailed(message, { charge, trip: "now", fault: "refusal", retry: "never" });
}
