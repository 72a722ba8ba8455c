import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { onTestFinished } from "vitest";
import type { ToolCall } from "../../../../src/faults/wire/format.ts";

/** Where a client is pointed, with what key and for which model. */
export interface Target {
  base: string;
  key: string;
  model: string;
}

/** An agent that runs by itself, and how its user points it at the gateway. */
export interface LargeClient {
  name: string;
  protocol: "anthropic" | "openai";
  /** Its name in the blocks of docs/gateway.md. */
  documented: string;
  /** Of the packages in the folder `large`. */
  binary: string;
  args: string[];
  /** What it offers its model to run a command with. */
  tool: ToolCall;
  environment(target: Target): Record<string, string>;
  /** Files in its home. */
  files(target: Target): Record<string, string>;
  /** What it shows at a cap, and when its stream is ended by the switch: the sentence of afk, unless it has words of its own. */
  capWords: RegExp;
  killWords: RegExp;
  /** Requests with which it may come back once it was refused. */
  refusedMax: number;
}

const PROMPT = "Say hello with the shell.";
const COMMAND = "echo hello-from-the-tool";
/** The line that shows that its tool has run. */
export const TOOL_OUTPUT = "hello-from-the-tool";

export const LARGE_CLIENTS: LargeClient[] = [
  {
    name: "claude",
    documented: "claude-code",
    protocol: "anthropic",
    binary: "@anthropic-ai/claude-code-linux-x64/claude",
    args: ["-p", PROMPT, "--model", "claude-haiku-4-5", "--allowedTools", "Bash(echo:*)"],
    tool: { name: "Bash", arguments: { command: COMMAND, description: "Says hello" } },
    environment: ({ base, key }) => ({
      ANTHROPIC_BASE_URL: base,
      ANTHROPIC_AUTH_TOKEN: key,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK: "1",
    }),
    files: () => ({}),
    capWords: /cap/,
    killWords: /kill switch/,
    refusedMax: 3,
  },
  {
    name: "codex",
    documented: "codex",
    protocol: "openai",
    binary: "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
    args: ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", PROMPT],
    tool: { name: "exec_command", arguments: { cmd: COMMAND } },
    environment: ({ key }) => ({ AFK_KEY: key }),
    files: ({ base, model }) => ({
      ".codex/config.toml": [
        `model = "${model}"`,
        'model_provider = "afk"',
        'web_search = "disabled"',
        "[model_providers.afk]",
        'name = "afk"',
        `base_url = "${base}/v1"`,
        'env_key = "AFK_KEY"',
        'wire_api = "responses"',
        "",
      ].join("\n"),
    }),
    capWords: /hit your usage limit\. Try again at/,
    killWords: /Quota exceeded/,
    // A wrong key and a request that got lost are tried again five times, whatever it is told.
    refusedMax: 6,
  },
  {
    name: "opencode",
    documented: "opencode",
    protocol: "openai",
    binary: "opencode-linux-x64/bin/opencode",
    args: ["run", PROMPT],
    tool: { name: "bash", arguments: { command: COMMAND, description: "Says hello" } },
    environment: ({ base, key, model }) => ({
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        provider: {
          afk: {
            npm: "@ai-sdk/openai-compatible",
            options: { baseURL: `${base}/v1`, apiKey: key },
            models: { [model]: { limit: { context: 100_000, output: 8_000 } } },
          },
        },
        model: `afk/${model}`,
        small_model: `afk/${model}`,
      }),
    }),
    files: () => ({}),
    capWords: /cap/,
    killWords: /kill switch/,
    refusedMax: 3,
  },
];

/** A client while it works on its prompt, in a home and a folder of its own that go away with the test. */
export interface Running {
  /** All that it has shown, without colours. */
  shown(): string;
  /** Resolves when it has ended by itself; with `code` null when it was ended after `patienceMs`. */
  ended: Promise<{ code: number | null; seconds: number }>;
}

export function runLarge(client: LargeClient, folder: string, target: Target, patienceMs: number): Running {
  const place = mkdtempSync(join(tmpdir(), "afk-client-"));
  const [home, work] = [join(place, "home"), join(place, "work")];
  mkdirSync(home);
  mkdirSync(work);
  for (const [name, content] of Object.entries(client.files(target))) {
    mkdirSync(join(home, name, ".."), { recursive: true });
    writeFileSync(join(home, name), content);
  }
  const { PATH = "" } = process.env;
  const env = { PATH, HOME: home, TERM: "dumb", LANG: "C.UTF-8", ...client.environment(target) };
  const startedAt = performance.now();
  const child = spawn(join(folder, "node_modules", client.binary), client.args, {
    cwd: work,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that what it starts ends with it.
    detached: true,
  });
  let shown = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (shown += bytes));
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  const late = setTimeout(end, patienceMs);
  const ended = once(child, "close").then(([code]) => {
    clearTimeout(late);
    return { code: code as number | null, seconds: (performance.now() - startedAt) / 1_000 };
  });
  onTestFinished(async () => {
    end();
    await ended;
    end();
    rmSync(place, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  return { shown: () => stripVTControlCharacters(shown), ended };
}
