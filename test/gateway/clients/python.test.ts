// @module-tag processes
// @module-tag slow
import { describe } from "vitest";
import { describeClient, type SmallClient } from "./support/cases.ts";
import { pythonClients } from "./support/install.ts";
import { pythonProgram } from "./support/program.ts";

const CLIENTS: Omit<SmallClient, "start">[] = [
  { name: "openai", protocol: "openai" },
  { name: "openai-responses", protocol: "openai" },
  { name: "langchain-openai", protocol: "openai" },
  { name: "anthropic", protocol: "anthropic" },
  { name: "langchain-anthropic", protocol: "anthropic" },
  { name: "ollama", protocol: "ollama" },
];

const { folder, reason } = await pythonClients();

describe.skipIf(folder === null)(`clients of PyPI${reason === null ? "" : ` -- skipped: ${reason}`}`, () => {
  for (const client of CLIENTS)
    describeClient({ ...client, start: () => pythonProgram(folder ?? "", client.name) });
});
