import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { messageOf } from "../../src/lib/errors.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";
import { missingTool } from "../support/system-tools.ts";
import { tempDir } from "../support/temp.ts";
import type { Acknowledged } from "./support/acknowledged.ts";
import { createDisk, type Model } from "./support/disk-model.ts";
import { type DiskOperation, recordDisk } from "./support/disk-recording.ts";
import { workInMemory } from "./support/in-memory.ts";
import { checkAfterCut } from "./support/power-check.ts";

const WORK = fileURLToPath(new URL("support/power-work.ts", import.meta.url));
const JOBS = 12;
const reason = missingTool("strace");
const limit = { timeout: patience({ test: 180_000, chaos: 3_600_000 }) };

workInMemory();

for (const model of ["journaled", "strict"] as const) {
  it(`loses nothing that was acknowledged when the power goes (${model} disk)`, limit, async ({ skip }) => {
    if (reason !== null) skip(reason);
    const attack = `power loss, ${model} disk`;
    const images = cases({ test: 50, chaos: 5_000 });
    const outcome = await cutPower(recorded("full"), model, images, chaosSeed(attack));
    expect(outcome.wrong.slice(0, 10)).toEqual([]);
    expect(outcome.lost.slice(0, 10)).toEqual([]);
    report(attack, outcome.images, `${outcome.acknowledged} acknowledged commits looked for, 0 lost`);
  });
}

it(
  "would lose acknowledged commits if the database did not wait for the disk, and this attack sees it",
  limit,
  async ({ skip }) => {
    if (reason !== null) skip(reason);
    const attack = "power loss, control with synchronous = NORMAL";
    const images = cases({ test: 20, chaos: 200 });
    const outcome = await cutPower(recorded("normal"), "journaled", images, chaosSeed(attack));
    expect(outcome.imagesWithLoss).toBeGreaterThan(0);
    report(attack, outcome.images, `acknowledged commits lost in ${outcome.imagesWithLoss}`);
  },
);

function recorded(synchronous: "full" | "normal"): DiskOperation[] {
  const folder = join(tempDir(), "state");
  mkdirSync(folder);
  return recordDisk(WORK, [folder, String(JOBS), synchronous], folder);
}

/** Cuts the power at `count` random instants and opens what is left. */
async function cutPower(operations: DiskOperation[], model: Model, count: number, seed: number) {
  const { random } = seededRandomness(seed);
  const instants = Array.from({ length: count }, () => Math.floor(random() * (operations.length + 1)));
  instants.sort((a, b) => a - b);
  const disk = createDisk(model);
  const said: Acknowledged[] = [];
  const outcome = {
    images: 0,
    imagesWithLoss: 0,
    acknowledged: 0,
    lost: [] as string[],
    wrong: [] as string[],
  };
  const dir = join(tempDir(), "image");
  let at = 0;
  for (const instant of instants) {
    for (; at < instant; at++) {
      const operation = operations[at]!;
      disk.apply(operation);
      if (operation.type === "said") said.push(JSON.parse(operation.line) as Acknowledged);
    }
    mkdirSync(dir);
    disk.cut(dir, random);
    const name = `at operation ${instant} of ${operations.length}`;
    const found = await checkAfterCut(dir, said).catch((error: unknown) => ({
      lost: [],
      wrong: [`does not open: ${messageOf(error)}`],
    }));
    rmSync(dir, { recursive: true });
    outcome.lost.push(...found.lost.map((each) => `${name}: ${each}`));
    outcome.wrong.push(...found.wrong.map((each) => `${name}: ${each}`));
    outcome.images += 1;
    outcome.acknowledged += said.length;
    if (found.lost.length > 0) outcome.imagesWithLoss += 1;
  }
  return outcome;
}
