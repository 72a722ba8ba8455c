// @module-tag processes
// @module-tag slow
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { toolTurn } from "../../../src/faults/model-answers.ts";
import { startModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import { type Deployment, deployment } from "../../support/afk.ts";
import { gitRepository } from "../../support/git-repository.ts";
import { tempDir } from "../../support/temp.ts";
import { aider, npmClients } from "./support/install.ts";
import { LARGE_CLIENTS, type LargeClient } from "./support/large.ts";

const PAGE = fileURLToPath(new URL("../../../docs/agents.md", import.meta.url));
const { folder, reason } = await npmClients("large");
const python = await aider();
const TEXT = "The notes are mended now.";
const COMMAND = "echo mended >> notes.md";
const PRICE = { input: 1, output: 5, cacheRead: 1, cacheWrite: 1.25 };
const MODELS = { anthropic: "claude-haiku-4-5", openai: "gpt-5-mini" };

/** The recipe of the page for a client. */
function recipe(name: string): Record<string, unknown> {
  const [, block = ""] =
    new RegExp(`^\`\`\`yaml agent=${name}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(readFileSync(PAGE, "utf8")) ?? [];
  return parse(block);
}

async function open(client: Pick<LargeClient, "name" | "protocol">, caps: object = {}) {
  const server = await startModelEndpoint(client.protocol);
  onTestFinished(() => server.close());
  const model = `${client.protocol}/${MODELS[client.protocol]}`;
  const base = client.protocol === "openai" ? `${server.url}/v1` : server.url;
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 20 },
    models: {
      chain: ["extractive"],
      providers: { [client.protocol]: { base_url: base, api_key: "sk-provider" } },
      prices: {
        [model]: {
          input: PRICE.input,
          output: PRICE.output,
          cache_write: PRICE.cacheWrite,
          context_window: 200_000,
        },
      },
    },
    gateway: { models: { model } },
    jobs: [{ every: "1d", timeout: "2m", retry: { attempts: 1 }, ...recipe(client.name), caps }],
  });
  gitRepository({ "notes.md": "to be mended\n" }, join(target.dir, "repo"));
  return { server, target };
}

/** Its program is found by its name. */
function tick(target: Deployment, client: LargeClient) {
  return tickWith(target, dirname(join(folder ?? "", "node_modules", client.binary)));
}

function tickWith(target: Deployment, programs: string) {
  return target.afk(["tick"], {
    PATH: [programs, dirname(process.execPath), process.env.PATH].join(delimiter),
  });
}

function changing(client: LargeClient) {
  const [[key] = ["command"], ...more] = Object.entries(client.tool.arguments);
  return { ...client.tool, arguments: { [key]: COMMAND, ...Object.fromEntries(more) } };
}

describe.skipIf(folder === null)(`coding agents${reason === null ? "" : ` -- skipped: ${reason}`}`, () => {
  describe.each(LARGE_CLIENTS)("$name", (client) => {
    it("changes a file by the recipe of docs/agents.md, asks nobody, and its patch comes out", async () => {
      const { server, target } = await open(client);
      server.otherwise(toolTurn(changing(client), TEXT));
      const ended = await tick(target, client);
      expect(ended.code, ended.stderr + ended.stdout).toBe(0);
      const [[name, patch] = ["", ""]] = Object.entries(target.outputs());
      expect(name).toMatch(/^fix-.*\.patch$/);
      expect(patch).toContain("+++ b/notes.md");
      expect(patch).toContain("\n+mended\n");
      const [{ report } = { report: "" }] = target.query<{ report: string }>("select report from results");
      expect(report).toContain(TEXT);
      const [spent] = target.query<{ micros: number; n: number }>(
        "select sum(cost_micros) as micros, count(*) as n from ledger where state = 'settled'",
      );
      expect(spent?.n).toBe(server.requests.length);
      expect(spent?.micros).toBeGreaterThanOrEqual(server.billMicros(PRICE));
    });

    it("ends at the cap of its run, and nothing comes out", async () => {
      const { server, target } = await open(client, { run_calls: 3 });
      let calls = 0;
      server.otherwise(({ json }) => {
        if (!Array.isArray(json.tools) || json.tools.length === 0) return { type: "reply", text: TEXT };
        const tool = changing(client);
        const [[key, command] = ["", ""], ...more] = Object.entries(tool.arguments);
        const changed = Object.fromEntries([[key, `${command} ${++calls}`], ...more]);
        return { type: "reply", text: "", toolCall: { ...tool, arguments: changed } };
      });
      await tick(target, client);
      expect(server.requests.length).toBeLessThanOrEqual(3);
      expect(target.outputs()).toEqual({});
      const [job] = target.query<{ state: string; error: string }>("select state, error from jobs");
      expect(job?.error).toMatch(/cap/);
    });
  });
});

describe.skipIf(python.folder === null)(
  `aider${python.reason === null ? "" : ` -- skipped: ${python.reason}`}`,
  () => {
    const client = { name: "aider", protocol: "openai" } as const;
    const EDIT = `notes.md\n\`\`\`\n<<<<<<< SEARCH\nto be mended\n=======\nmended\n>>>>>>> REPLACE\n\`\`\`\n\n${TEXT}`;

    /** A virtual environment that was moved is found by its interpreter alone. */
    function program(): string {
      const dir = tempDir();
      writeFileSync(join(dir, "aider"), `#!/bin/sh\nexec ${python.folder}/bin/python -m aider "$@"\n`, {
        mode: 0o755,
      });
      return dir;
    }

    it("changes a file by the recipe of docs/agents.md, asks nobody, and nothing else is in its patch", async () => {
      const { server, target } = await open(client);
      server.otherwise({ type: "reply", text: EDIT });
      const ended = await tickWith(target, program());
      expect(ended.code, ended.stderr + ended.stdout).toBe(0);
      const [patch = ""] = Object.values(target.outputs());
      expect(patch).toContain("-to be mended\n+mended\n");
      expect(patch.match(/^diff --git/gm)).toHaveLength(1);
      const [{ report } = { report: "" }] = target.query<{ report: string }>("select report from results");
      expect(report).toContain(TEXT);
    });

    it("ends at the cap of its run, and nothing comes out", async () => {
      const { server, target } = await open(client, { run_usd: 0 });
      await tickWith(target, program());
      expect(server.requests).toEqual([]);
      expect(target.outputs()).toEqual({});
    });
  },
);
