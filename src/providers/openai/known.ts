import { type FreeErrors, OWN_ERRORS } from "../failures.ts";
import type { KnownProvider } from "../types.ts";

/** Which field of a request bounds the reply. */
export const TOKEN_LIMITS = ["max_tokens", "max_completion_tokens", "both"] as const;
export type TokenLimit = (typeof TOKEN_LIMITS)[number];

interface KnownServer extends KnownProvider {
  tokenLimit: TokenLimit;
  /** Own errors for which it says that it bills nothing; null where it says nothing, or that it bills. */
  freeErrors: FreeErrors | null;
  /** Where this is said. */
  sources: string[];
}

/** What is known, as of 2026-11-29, of the servers that speak OpenAI's protocol, so that a key is all that they need. */
export const KNOWN_SERVERS: Readonly<Record<string, KnownServer>> = {
  // It has replaced `max_tokens`, and its newer field bounds reasoning too.
  openai: {
    baseUrl: "https://api.openai.com/v1",
    keyVariable: "OPENAI_API_KEY",
    tokenLimit: "max_completion_tokens",
    freeErrors: OWN_ERRORS,
    sources: [
      "https://platform.openai.com/docs/api-reference/chat/create",
      "https://platform.openai.com/docs/guides/error-codes",
    ],
  },
  // It says that it bills no reply that ends in an error, whatever its own provider billed.
  openrouter: {
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariable: "OPENROUTER_API_KEY",
    tokenLimit: "max_tokens",
    freeErrors: OWN_ERRORS,
    sources: [
      "https://openrouter.ai/docs/api-reference/overview",
      "https://openrouter.ai/docs/features/zero-completion-insurance",
    ],
  },
  // A request that breaks its rules of use may be billed.
  xai: {
    baseUrl: "https://api.x.ai/v1",
    keyVariable: "XAI_API_KEY",
    tokenLimit: "max_completion_tokens",
    freeErrors: null,
    sources: ["https://docs.x.ai/docs/api-reference", "https://docs.x.ai/docs/models"],
  },
  // It ignores the newer field.
  deepseek: {
    baseUrl: "https://api.deepseek.com",
    keyVariable: "DEEPSEEK_API_KEY",
    tokenLimit: "max_tokens",
    freeErrors: null,
    sources: ["https://api-docs.deepseek.com/api/create-chat-completion"],
  },
  // It refuses the newer field with 422.
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    keyVariable: "MISTRAL_API_KEY",
    tokenLimit: "max_tokens",
    freeErrors: null,
    sources: ["https://docs.mistral.ai/api"],
  },
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariable: "GROQ_API_KEY",
    tokenLimit: "max_completion_tokens",
    freeErrors: null,
    sources: ["https://console.groq.com/docs/api-reference"],
  },
  together: {
    baseUrl: "https://api.together.xyz/v1",
    keyVariable: "TOGETHER_API_KEY",
    tokenLimit: "max_tokens",
    freeErrors: null,
    sources: ["https://docs.together.ai/docs/openai-api-compatibility"],
  },
  google: {
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    keyVariable: "GEMINI_API_KEY",
    tokenLimit: "max_tokens",
    freeErrors: (status) => status === 400 || status === 500,
    sources: [
      "https://ai.google.dev/gemini-api/docs/openai",
      "https://ai.google.dev/gemini-api/docs/billing",
    ],
  },
  // It bills a 400 of its content filter. The address is https://NAME.openai.azure.com/openai/v1.
  azure: {
    baseUrl: null,
    keyVariable: "AZURE_OPENAI_API_KEY",
    tokenLimit: "max_completion_tokens",
    freeErrors: null,
    sources: [
      "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
      "https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter",
    ],
  },
};

/** The known server at an address, with its name: that very host over https, and none whose name begins or ends like its. */
export function knownAt(url: URL): { name: string; server: KnownServer } | null {
  if (url.protocol !== "https:") return null;
  const found = Object.entries(KNOWN_SERVERS).find(
    ([, { baseUrl }]) => baseUrl !== null && url.host === new URL(baseUrl).host,
  );
  return found === undefined ? null : { name: found[0], server: found[1] };
}
