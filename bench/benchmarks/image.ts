import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { needBaseImages } from "../../test/support/engine/base-images.ts";
import { docker } from "../../test/support/engine/command.ts";
import { findEngine } from "../../test/support/engine/find-engine.ts";
import { AFK_IMAGE, buildAfk } from "../../test/support/engine/images.ts";
import { needPlugins } from "../../test/support/engine/plugins.ts";
import type { Benchmark, Goal, Row, Tools } from "../harness/benchmark.ts";
import { imageApp } from "../harness/image-app.ts";

const GOAL: Goal = { atMost: 40 };
const SYSTEMD = fileURLToPath(new URL("../../systemd", import.meta.url));

/** What a host downloads besides Node. MB are 1,000,000 bytes. */
export const image: Benchmark = {
  name: "image",
  question: "How much does the image add to its base?",
  async run(tools) {
    return [await filesRow(tools), tools.isFull ? await layersRow(tools) : NOT_RUN];
  },
};

const NOT_RUN: Row = {
  subject: "layers of the built image, beyond those of its base",
  baseline: null,
  result: { type: "not_run", unit: "MB", reason: "it needs a Docker engine: npm run bench -- image --full" },
  goal: GOAL,
};

/** The same files that the Dockerfile copies, as they are laid out here. */
async function filesRow(tools: Tools): Promise<Row> {
  const { folder } = await imageApp(tools);
  const megabytes = (bytesIn(folder) + bytesIn(SYSTEMD)) / 1_000_000;
  return {
    subject: "files that the image adds: bundle, better-sqlite3, compile cache, units",
    baseline: null,
    result: {
      type: "figure",
      value: megabytes,
      unit: "MB",
      note: "uncompressed, on this machine's platform",
    },
    goal: GOAL,
  };
}

async function layersRow(tools: Tools): Promise<Row> {
  // A short path: there are sockets in it, whose names have at most 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), "afk-run-"));
  tools.after(() => rmSync(folder, { recursive: true, force: true }));
  const engine = await findEngine(folder);
  tools.after(() => engine.stop());
  const missing = await needPlugins(folder);
  if (missing.buildx !== undefined)
    return { ...NOT_RUN, result: { type: "not_run", unit: "MB", reason: missing.buildx } };
  tools.say("building the image");
  const base = await needBaseImages(engine, folder);
  await buildAfk(base);
  const [all, below] = await Promise.all([layersOf(AFK_IMAGE), layersOf(base.node)]);
  const added = all.slice(0, all.length - below.length).reduce((sum, bytes) => sum + bytes, 0);
  const note = `${all.length - below.length} layers on ${base.isStandIn ? "a stand-in for " : ""}node:24-trixie-slim`;
  return {
    subject: NOT_RUN.subject,
    baseline: null,
    result: { type: "figure", value: added / 1_000_000, unit: "MB", note },
    goal: GOAL,
  };
}

/** Bytes of each layer, the newest first. */
async function layersOf(name: string): Promise<number[]> {
  const sizes = await docker(["history", "--human=false", "--format", "{{.Size}}", name]);
  return sizes.trim().split("\n").map(Number);
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
