import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KEY_VARIABLES } from "../../config/models-schema.ts";
import type { RunGateway } from "../job.ts";

/** `home`: a folder of the run's own. */
type Gateway = Pick<RunGateway, "url" | "key" | "maxOutputTokens" | "aliases"> & { home: string };
type Variables = Record<string, string>;

/** What each client of models has to be told so that it asks the gateway, and nobody else. */
const CLIENTS: readonly ((gateway: Gateway) => Variables)[] = [
  // Scripts.
  ({ url, key }) => ({ AFK_GATEWAY: url, AFK_KEY: key }),
  // Claude Code, and the SDKs of Anthropic.
  ({ url, key }) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: key }),
  // Claude Code: nothing but requests for models; a stream that was cut is not asked for again in one piece, at the full price.
  ({ maxOutputTokens }) => ({
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK: "1",
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
    CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(maxOutputTokens),
  }),
  // The AI SDK and LangChain take no token, but a key; whoever is told both shows either.
  ({ key }) => ({ ANTHROPIC_API_KEY: key }),
  // LangChain for Python looks here first.
  ({ url }) => ({ ANTHROPIC_API_URL: url }),
  // The SDKs of OpenAI, the AI SDK, LangChain, CrewAI, LiteLLM.
  ({ url, key }) => ({ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: key }),
  // aider, older LangChain and LiteLLM.
  ({ url }) => ({ OPENAI_API_BASE: `${url}/v1` }),
  // The command of Ollama, and its library for Python.
  ({ url, key }) => ({ OLLAMA_HOST: url, OLLAMA_API_KEY: key }),
  // aider and LiteLLM.
  ({ url }) => ({ OLLAMA_API_BASE: url }),
  // Pydantic AI and CrewAI ask Ollama by OpenAI's protocol; LangChain for JavaScript by Ollama's own, and can show no key.
  ({ url, key }) => ({ OLLAMA_BASE_URL: `${url}/k/${key}/v1` }),
  // opencode: its own names for models, and the aliases as `afk/NAME`.
  (gateway) => ({ OPENCODE_CONFIG_CONTENT: JSON.stringify(opencodeConfig(gateway)) }),
  // Codex reads the address from its settings alone, and trusts no folder below /tmp with its helpers.
  ({ home }) => ({ CODEX_HOME: home }),
];

/** Names that a program would take a provider's key from; it could then ask the provider itself, past every cap. */
const PROVIDER_KEYS = new Set([
  ...KEY_VARIABLES,
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CODEX_API_KEY",
  "OLLAMA_API_KEY",
  "GOOGLE_API_KEY",
]);

/** Whether a variable holds a provider's key, which the program of a job with a gateway must not have. */
export function isProviderKey(name: string): boolean {
  return PROVIDER_KEYS.has(name);
}

/** Why that is so, and what to do. */
export const REFUSED_KEY =
  "with it the program could ask the provider itself, past every cap; take it out, since the gateway has the keys of models.providers";

/** The variables that point every known client at the gateway; writes what Codex reads into the folder. */
export function gatewayEnvironment(gateway: Gateway): Variables {
  writeFileSync(join(gateway.home, "config.toml"), codexConfig(gateway), { mode: 0o600 });
  return Object.assign({}, ...CLIENTS.map((client) => client(gateway)));
}

/** Its own search is billed by the provider for each use, and is on unless it is switched off. */
function codexConfig({ url }: Gateway): string {
  return `model_provider = "afk"
web_search = "disabled"

[model_providers.afk]
name = "afk"
base_url = "${url}/v1"
env_key = "AFK_KEY"
wire_api = "responses"
`;
}

function opencodeConfig({ url, key, aliases }: Gateway) {
  const options = { baseURL: `${url}/v1`, apiKey: key };
  const models = Object.fromEntries(aliases.map((alias) => [alias, { name: alias }]));
  return {
    autoupdate: false,
    share: "disabled",
    provider: {
      anthropic: { options },
      openai: { options },
      afk: { npm: "@ai-sdk/openai-compatible", name: "afk", options, models },
    },
  };
}
