import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { needBaseImages } from "./base-images.ts";
import { run } from "./command.ts";
import { type Engine, findEngine } from "./find-engine.ts";
import { AFK_IMAGE, buildAfk, buildModel, buildVm, MODEL_IMAGE, VM_IMAGE } from "./images.ts";
import { RUN_LABEL } from "./names.ts";
import { needPlugins } from "./plugins.ts";
import "./provided.ts";

/**
 * Before the scenarios: an engine, its plugins, base images, and the images under test. After them everything that they
 * left is removed, and a private engine is ended. Throws, and so fails the run, when one of these cannot be had.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // A short path: there are sockets in it, whose names have at most 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), "afk-run-"));
  let engine: Engine | undefined;
  const end = async () => {
    try {
      if (engine !== undefined && !engine.isPrivate) await removeLeftovers();
      await engine?.stop();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  try {
    process.env.AFK_TEST_RUN = `${process.pid}-${Date.now()}`;
    engine = await findEngine(folder);
    await prepare(project, engine, folder);
    return end;
  } catch (error) {
    await end();
    throw error;
  }
}

async function prepare(project: TestProject, engine: Engine, folder: string): Promise<void> {
  const missing = await needPlugins(folder);
  if (missing.buildx !== undefined) {
    throw new Error(
      `The images cannot be built: ${missing.buildx}. \`npm run test:unit\` runs everything else.`,
    );
  }
  const base = await needBaseImages(engine, folder);
  // The helper container that would clean up after testcontainers has an image that must be pulled, too.
  if (engine.isPrivate || !base.canPull) process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
  await Promise.all([buildAfk(base), buildModel(base, folder), buildVm(base, engine)]);
  project.provide("engine", {
    dockerHost: engine.host,
    isPrivate: engine.isPrivate,
    baseImage: base.node,
    isStandIn: base.isStandIn,
    afkImage: AFK_IMAGE,
    vmImage: VM_IMAGE,
    modelImage: MODEL_IMAGE,
    composeCommand: ["docker", "compose"],
    missing: missing.compose === undefined ? {} : { compose: missing.compose },
  });
}

/** In an engine that stays: containers, volumes and networks that carry the run's label. */
async function removeLeftovers(): Promise<void> {
  const filter = ["--filter", `label=${RUN_LABEL}=${process.env.AFK_TEST_RUN}`];
  for (const [list, remove] of [
    [
      ["ps", "-aq"],
      ["rm", "-fv"],
    ],
    [
      ["volume", "ls", "-q"],
      ["volume", "rm", "-f"],
    ],
    [
      ["network", "ls", "-q"],
      ["network", "rm"],
    ],
  ] as const) {
    const { stdout } = await run("docker", [...list, ...filter]);
    const names = stdout.split("\n").filter(Boolean);
    if (names.length > 0) await run("docker", [...remove, ...names]);
  }
}
