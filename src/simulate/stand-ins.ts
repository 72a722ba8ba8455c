import { exec } from "../jobs/exec/exec.ts";
import type { ExecSettings } from "../jobs/exec/settings.ts";
import type { JobKind } from "../jobs/job.ts";
import { systemClock } from "../lib/clock.ts";
import { systemRandomness } from "../lib/ids.ts";

const OUTPUT = "what the command would have said\n";
const LONGEST_MS = 40_000;

/** Takes the place of `exec`: nothing is run, some time passes, and the output is the same each time. */
const standInExec: JobKind<ExecSettings> = {
  ...exec,
  async run({ name, settings, period, step, publish, signal }) {
    await step("run", async () => {
      await systemClock.sleep(1 + systemRandomness.random() * LONGEST_MS, signal);
      return { stdout: OUTPUT };
    });
    if (settings.isPublished) publish(`${name}-${period.label}.txt`, OUTPUT);
    return { units: settings.units, summary: "nothing was run: this is a simulation" };
  },
};

/** Kinds whose own code reaches for more than a simulation can hold. */
export const standIns: readonly JobKind[] = [standInExec];
