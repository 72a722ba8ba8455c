import { vi } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { runCli } from "../../../src/cli/run.ts";
import { COMMANDS } from "../../../src/cli/table.ts";
import type { TickResult } from "../../../src/runner/tick.ts";
import type { Deployment } from "../../support/afk.ts";

const SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT"] as const;

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command on a deployment in this process: the same code behind the same frame, without the start of a process. */
export async function afk(
  target: Pick<Deployment, "configFile" | "state">,
  ...words: string[]
): Promise<Answer> {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((chunk) => {
      written[stream] += chunk;
      return true;
    }),
  );
  const before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
  try {
    const at = ["--config", target.configFile, "--state", target.state];
    const code = await runCli({ name: "afk", version: "0.0.0", commands: COMMANDS }, [...words, ...at]);
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
    forgetSignals(before);
  }
}

/**
 * One tick by the library. The command of that name belongs in a process of its own, since it watches over the whole
 * process and ends it when it hangs.
 */
export async function tick(
  target: Pick<Deployment, "configFile" | "state">,
  now?: string,
): Promise<TickResult> {
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  try {
    return await agent.tick({ now });
  } finally {
    await agent.close();
  }
}

/** A command listens for signals until its process ends, which here is the test's own. */
function forgetSignals(before: Map<(typeof SIGNALS)[number], NodeJS.SignalsListener[]>): void {
  for (const signal of SIGNALS)
    for (const listener of process.listeners(signal))
      if (!before.get(signal)?.includes(listener)) process.removeListener(signal, listener);
}

/** The same with `--json`; fails unless standard output is one JSON document. */
export async function afkJson(
  target: Pick<Deployment, "configFile" | "state">,
  ...words: string[]
): Promise<{ code: number; json: unknown }> {
  const { code, stdout } = await afk(target, ...words, "--json");
  return { code, json: JSON.parse(stdout) };
}
