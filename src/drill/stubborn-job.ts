import type { Known } from "../faults/processes.ts";
import type { Harness } from "./harness.ts";
import type { Worker } from "./worker.ts";

/** How often the grandchild asks for the page. */
const REQUEST_EVERY_MS = 50;
/** Silence that is long enough to be the end, on a busy machine too. */
const SILENT_MS = 400;
const SETTLE_MS = 100;

/** A worker at work on a command that does not obey SIGTERM, and whose child asks the endpoint for a page all the time. */
export type Stubborn = ReturnType<typeof stubborn>;

/** The shell ignores SIGTERM, and so does its child, which is the worker's great-grandchild (a supervisor is between). */
const SHELL = 'trap "" TERM; "$0" -e "$1" "$2" & wait; sleep 60';
const CHILD = `process.on("SIGTERM", () => {});
const { get } = require("node:http");
setInterval(() => get(process.argv[1], (answer) => answer.resume()).on("error", () => {}), ${REQUEST_EVERY_MS});`;

/** Deploys the command as a job that is due at once. */
export function stubborn(harness: Harness) {
  const page = { status: 200, contentType: "text/plain", content: "heard" };
  const calls = harness.endpoint.serve("/alive", page);
  const command = ["/bin/sh", "-c", SHELL, process.execPath, CHILD, `${harness.endpoint.url}/alive`];
  const job = { name: "stubborn", kind: "exec", every: "30d", timeout: "2m", command };
  const deployment = harness.deploy({ jobs: [job] });
  return {
    deployment,
    calls,
    /** Starts a worker and waits until the grandchild is heard. */
    async start(nodeOptions?: readonly string[]): Promise<{ worker: Worker; family: Known[] }> {
      const before = calls.count;
      const worker = deployment.start(nodeOptions);
      await harness.untilWorker(worker, "the worker's grandchild is at work", () => calls.count > before + 1);
      const family = harness.family(worker);
      harness.expect(
        "the system lists the worker, its supervisor, the command and the command's child",
        family.length >= 4,
        `${family.length} processes: ${family.map(({ pid }) => pid).join(", ")}`,
      );
      harness.did(`Started it, contained by: ${deployment.logged("exec_started").at(-1)?.containment}.`);
      return { worker, family };
    },
    /** Waits until the worker and all its family are gone, and sees that the grandchild is silent. Milliseconds. */
    async gone({ worker, family }: { worker: Worker; family: Known[] }, how: string): Promise<number> {
      const what = `none of the ${family.length} processes is in the system's list any more after ${how}`;
      const tookMs = await harness.untilGone(worker, family, what);
      // What it had sent before its end may still be on the way.
      await harness.pause(SETTLE_MS);
      const heard = calls.count;
      await harness.pause(SILENT_MS);
      const more = calls.count - heard;
      Object.assign(harness.figures, { requestsByGrandchild: heard, requestsAfterKill: more });
      harness.expect(
        "nothing is heard of the grandchild any more",
        more === 0 && heard > 0,
        `${heard} requests of it before, ${more} in the ${SILENT_MS} ms after`,
      );
      return tookMs;
    },
  };
}
