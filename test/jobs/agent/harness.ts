import { writeFileSync as write } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { agent } from "../../../src/jobs/agent/agent.ts";
import { type AgentSettings, agentSettings } from "../../../src/jobs/agent/settings.ts";
import type { JobResult, RunGateway } from "../../../src/jobs/job.ts";
import type { RunCapped } from "../../../src/rails/halt.ts";
import { gitRepository, type TestRepository } from "../../support/git-repository.ts";
import { type FakeJob, fakeJob, type JobMemory } from "../../support/job-context.ts";
import { tempDir } from "../../support/temp.ts";

export interface AgentHarness {
  dir: string;
  repository: TestRepository;
  /** Runs a shell script as the agent of the job `fix`. */
  run(script: string, options?: AgentOptions): Promise<JobResult>;
  last(): FakeJob<AgentSettings>;
  /** The patch of the last run; empty where it gave none. */
  patch(): string;
  /** Files of the repository once the last patch is applied to a fresh copy of it. */
  applied(): TestRepository;
}

interface AgentOptions {
  settings?: Record<string, unknown>;
  payload?: unknown;
  variables?: Record<string, string>;
  memory?: JobMemory;
  requests?: number;
  refusedBy?: RunCapped;
  command?: string[];
}

/** An agent without models, and a repository with `a.txt` and `src/b.txt`. */
export function agentHarness(files: Record<string, string | Uint8Array> = {}): AgentHarness {
  const dir = tempDir();
  const repository = gitRepository({ "a.txt": "one\ntwo\nthree\n", "src/b.txt": "b\n", ...files });
  let job: FakeJob<AgentSettings> | undefined;
  const patch = () => [...job!.files].find(([name]) => name.endsWith(".patch"))?.[1] ?? "";
  return {
    dir,
    repository,
    patch,
    last: () => job!,
    async run(script, { settings = {}, payload = null, requests = 1, refusedBy, command, ...options } = {}) {
      const parsed = v.parse(agentSettings, {
        command: command ?? ["sh", "-c", script],
        repo: repository.path,
        ...("prompt_file" in settings ? {} : { prompt: "Mend it." }),
        ...settings,
      });
      job = fakeJob<AgentSettings>(parsed, {
        name: "fix",
        base: dir,
        repos: join(dir, "repos"),
        gateway: gatewayOf(requests, refusedBy ?? null),
        ...options,
      });
      return await agent.run({ ...job.context, payload });
    },
    applied() {
      const copy = gitRepository({ x: "" });
      copy.git("fetch", "--quiet", repository.path, "HEAD");
      copy.git("checkout", "--quiet", "--detach", "FETCH_HEAD");
      const file = join(copy.path, "..", "the.patch");
      copy.git("config", "core.autocrlf", "false");
      write(file, patch());
      copy.git("apply", "--index", "--binary", file);
      return copy;
    },
  };
}

function gatewayOf(requests: number, refusedBy: RunCapped | null): RunGateway {
  return {
    url: "http://127.0.0.1:40123",
    service: { port: 40123, accept: (socket) => socket.destroy() },
    key: "afk_key_of_the_run",
    maxOutputTokens: 32_000,
    aliases: [],
    requests: () => requests,
    costMicros: async () => 12_300,
    refusedBy: () => refusedBy,
    signal: new AbortController().signal,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
