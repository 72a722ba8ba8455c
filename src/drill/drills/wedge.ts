import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stillAlive } from "../../faults/processes.ts";
import { wedgeMarkerIn } from "../../runner/wedge/marker.ts";
import type { Drill } from "../harness.ts";
import { stubborn } from "../stubborn-job.ts";
import { exitText } from "../worker.ts";

/**
 * Loaded by Node before the worker itself: at SIGUSR2 its main thread says so in a file and blocks for good, as a loop
 * without end or a regular expression gone wild would block it, but without using a processor.
 */
function blocker(file: string): string {
  const code = `import { writeFileSync } from "node:fs";
process.on("SIGUSR2", () => {
  writeFileSync(${JSON.stringify(file)}, "");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** Long enough for a worker that can still hear to obey. */
const DEAF_MS = 1_000;

/** A worker whose event loop stands still can only be ended by its guard. */
export const wedge: Drill = {
  name: "wedge",
  description: "A worker whose event loop is blocked is killed by its guard, with all that it started",
  promise: "A process that hangs cannot outlive its kill switch.",
  async run(harness) {
    const job = stubborn(harness);
    const { deployment, calls } = job;
    const blocked = join(deployment.dir, "blocked");
    const started = await job.start(["--import", blocker(blocked)]);
    const { worker, family } = started;
    harness.figures.processesBefore = family.length;

    harness.effects.signal(worker.pid, "SIGUSR2");
    await harness.until("its event loop is blocked", () => existsSync(blocked));
    harness.effects.signal(worker.pid, "SIGTERM");
    harness.did("Blocked the event loop of a worker at work, and sent it SIGTERM.");
    const heard = calls.count;
    await harness.pause(DEAF_MS);
    const alive = stillAlive(family).length;
    harness.expect(
      "it is wedged: SIGTERM does nothing, and its children work on",
      worker.exit === null && alive === family.length && calls.count > heard,
      worker.exit === null ? `${alive} processes after ${DEAF_MS} ms` : `it ended (${exitText(worker)})`,
    );

    harness.did("Wrote the STOP file, which its main thread cannot see.");
    harness.effects.touch(deployment.stopFile);
    harness.figures.stopToGoneMs = await job.gone(started, "the STOP file");
    const isKilled = worker.exit?.signal === "SIGKILL";
    harness.expect("the worker was killed, and did not end by itself", isKilled, exitText(worker));
    const lines = deployment.logged("wedged");
    const reason = String(lines[0]?.reason ?? "");
    harness.expect(
      "the log has wedged, once, for the kill switch",
      lines.length === 1 && reason.includes("the kill switch was set"),
      `${lines.length} lines: ${reason}`,
    );
    const marker = existsSync(wedgeMarkerIn(deployment.state));
    harness.expect("the guard left word for the next tick", marker, marker ? "it is there" : "no marker");

    rmSync(deployment.stopFile, { force: true });
    const agent = await deployment.open();
    agent.rails.watch.trip({ by: "file", at: 0, reason: "the drill ends here" });
    await agent.tick();
    harness.did("Ran the next tick, which starts no job.");
    harness.expectAlert(deployment, "wedged");
  },
};
