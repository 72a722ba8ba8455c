// @module-tag processes
// @module-tag slow
import { describe } from "vitest";
import { describeClient, type SmallClient } from "./support/cases.ts";
import { npmClients } from "./support/install.ts";
import { npmProgram } from "./support/program.ts";

const CLIENTS: Omit<SmallClient, "start">[] = [
  { name: "openai", protocol: "openai" },
  { name: "openai-responses", protocol: "openai" },
  { name: "ai-openai", protocol: "openai" },
  { name: "ai-openai-compatible", protocol: "openai" },
  { name: "langchain-openai", protocol: "openai" },
  { name: "anthropic", protocol: "anthropic" },
  { name: "ai-anthropic", protocol: "anthropic" },
  { name: "langchain-anthropic", protocol: "anthropic" },
  { name: "ollama", protocol: "ollama" },
];

const { folder, reason } = await npmClients("npm");

describe.skipIf(folder === null)(`clients of npm${reason === null ? "" : ` -- skipped: ${reason}`}`, () => {
  for (const client of CLIENTS)
    describeClient({ ...client, start: () => npmProgram(folder ?? "", client.name) });
});
