import { GenericContainer, type StartedNetwork, type StartedTestContainer, Wait } from "testcontainers";
import { inject } from "vitest";
import { docker } from "./command.ts";
import type { Behaviours } from "./model/state.ts";
import { labelWords, runLabels, uniqueName } from "./names.ts";
import "./provided.ts";

/** Runs `words` in a container that has the model's volume at /root/.ollama, and gives their standard output. */
export type InModel = (words: string[]) => Promise<string>;

export interface ModelRequest {
  at: number;
  method: string;
  path: string;
  body: string;
}

/** Tells the stand-in what to do (model/state.ts), wherever it runs: with compose, in a VM, from `startModel`. */
export async function behave(inModel: InModel, change: Partial<Behaviours>): Promise<void> {
  await inModel(["ollama", "stand-in", "behave", JSON.stringify(change)]);
}

/** Every request that any server on the volume has taken. */
export async function modelRequests(inModel: InModel): Promise<ModelRequest[]> {
  return parseLines(await inModel(["ollama", "stand-in", "requests"])) as ModelRequest[];
}

/** Every connection (0 bytes) and every piece that arrived; `at` is the clock of the machine. */
export async function modelTraffic(inModel: InModel): Promise<{ at: number; bytes: number }[]> {
  return parseLines(await inModel(["ollama", "stand-in", "traffic"])) as { at: number; bytes: number }[];
}

export interface StartedModel {
  container: StartedTestContainer;
  volume: string;
  inModel: InModel;
  /** Ends it, and deletes its volume. */
  stop(): Promise<void>;
}

/** The stand-in, reached as `ollama` on `network`, with `models` pulled. */
export async function startModel(
  network: StartedNetwork,
  models: readonly string[] = ["qwen2.5:3b"],
): Promise<StartedModel> {
  const volume = uniqueName("model");
  await docker(["volume", "create", ...labelWords(), volume]);
  const container = await new GenericContainer(inject("engine").modelImage)
    .withLabels(runLabels())
    .withNetwork(network)
    .withNetworkAliases("ollama")
    .withBindMounts([{ source: volume, target: "/root/.ollama", mode: "rw" }])
    .withWaitStrategy(Wait.forSuccessfulCommand("ollama list"))
    .start();
  const inModel: InModel = (words) => docker(["exec", container.getId(), ...words]);
  for (const model of models) await inModel(["ollama", "pull", model]);
  return {
    container,
    volume,
    inModel,
    stop: async () => {
      await container.stop();
      await docker(["volume", "rm", "-f", volume]);
    },
  };
}

function parseLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}
