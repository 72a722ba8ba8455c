import { rmSync } from "node:fs";
import { type Deployment, DIGEST } from "../deployment.ts";
import type { Drill, Harness } from "../harness.ts";
import { exitText } from "../worker.ts";

/** The kill by file, in the middle of a model call. */
export const stopFile: Drill = {
  name: "stop-file",
  description: "The STOP file aborts a call in flight, ends the worker, and keeps the next one from starting",
  promise: "One file stops the agent within seconds, and it stays stopped until a person says otherwise.",
  async run(harness) {
    const deployment = harness.deploy({ jobs: [DIGEST] });
    deployment.fillInbox(1);
    await stopInFlight(harness, deployment);
    await stayStopped(harness, deployment);
    await goOn(harness, deployment);
  },
};

async function stopInFlight(harness: Harness, deployment: Deployment): Promise<void> {
  const { endpoint, figures } = harness;
  endpoint.otherwise({ type: "stall", pieces: 1 });
  const worker = deployment.start();
  await harness.untilWorker(worker, "the worker's call is in flight", () => endpoint.requests.length > 0);
  const [call] = endpoint.requests;
  const family = harness.family(worker);
  const { length } = endpoint.requests;
  figures.requestsBefore = length;
  harness.expect("the call is still in flight", call?.isOver === false, `${length} requests`);

  harness.did("Wrote the STOP file while a worker waited for the answer of a model.");
  harness.effects.touch(deployment.stopFile);
  figures.stopToAbortMs = await harness.until("the call in flight is aborted", () => call?.isOver === true);
  figures.stopToGoneMs = figures.stopToAbortMs + (await harness.untilGone(worker, family));
  harness.expect("it ended as a halt and not as a failure", worker.exit?.code === 0, exitText(worker));

  const { state, attempts } = deployment.job();
  harness.expect(
    "its job is ready again, with the attempt given back",
    state === "ready" && attempts === 0,
    `${state}, ${attempts} attempts`,
  );
  const [entry] = deployment.rows<{ state: string }>("select state from ledger");
  const entryState = entry?.state ?? "not in the ledger";
  harness.expect("the aborted call stays charged", entryState === "unknown", entryState);
  const [tick] = deployment.rows<{ outcome: string; reason: string }>("select outcome, reason from ticks");
  harness.expect(
    "the tick says that the file stopped it",
    tick?.outcome === "halted" && String(tick.reason).includes("kill switch (file)"),
    `${tick?.outcome ?? "no tick"}: ${tick?.reason ?? ""}`,
  );
}

async function stayStopped(harness: Harness, deployment: Deployment): Promise<void> {
  const { endpoint, figures } = harness;
  endpoint.otherwise({ type: "reply" });
  const worker = deployment.start();
  await harness.untilWorker(worker, "the next worker ends", () => worker.exit !== null);
  harness.did("Started another worker with the STOP file still there.");
  figures.requestsAfter = endpoint.requests.length;
  harness.expect(
    "it made no request",
    endpoint.requests.length === figures.requestsBefore,
    `${figures.requestsBefore} requests before the stop, ${endpoint.requests.length} after it`,
  );
  const seen = deployment.logged("kill_seen").filter((line) => line.by === "file").length;
  harness.expect("the log has kill_seen, by the file", seen > 0, `${seen} lines`);
}

/** Without this a worker that could not have asked anyway would look like one that was stopped. */
async function goOn(harness: Harness, deployment: Deployment): Promise<void> {
  const { endpoint, figures } = harness;
  rmSync(deployment.stopFile, { force: true });
  const agent = await deployment.open();
  const { outcome } = await agent.tick();
  harness.did("Removed the STOP file and ran a tick.");
  const more = endpoint.requests.length - Number(figures.requestsAfter);
  harness.expect(
    "without the file the work goes on",
    more > 0 && outcome === "ok",
    `${outcome}, ${more} more requests`,
  );
}
