import { readdirSync } from "node:fs";
import { join } from "node:path";
import { findBreaches } from "../../faults/oracles/inspect.ts";
import { type Deployment, DIGEST } from "../deployment.ts";
import type { Drill, Harness } from "../harness.ts";
import { exitText } from "../worker.ts";

const ITEMS = 4;
const ANSWERED = 2;
/** One for each item, and one for the opening. */
const QUESTIONS = ITEMS + 1;

/** SIGKILL in the middle of a job, then the next tick. */
export const crash: Drill = {
  name: "crash",
  description: "A worker that is killed in the middle of a job loses nothing and buys nothing twice",
  promise: "What was paid for is kept, what was begun is finished, and every file appears once.",
  async run(harness) {
    const { endpoint, figures } = harness;
    const deployment = harness.deploy({ jobs: [DIGEST] });
    deployment.fillInbox(ITEMS);
    endpoint.script(Array(ANSWERED).fill({ type: "reply" }));
    endpoint.otherwise({ type: "stall", pieces: 1 });

    const killed = deployment.start();
    await harness.untilWorker(
      killed,
      "the worker is in the middle of its job",
      () => endpoint.requests.length > ANSWERED,
    );
    const family = harness.family(killed);
    harness.did(
      `Sent SIGKILL to a worker with ${ANSWERED} of ${QUESTIONS} questions answered and one in flight.`,
    );
    harness.effects.signal(killed.pid, "SIGKILL");
    figures.killToGoneMs = await harness.untilGone(killed, family);
    harness.expect("the worker was killed", killed.exit?.signal === "SIGKILL", exitText(killed));
    const before = endpoint.requests.length;
    figures.requestsBefore = before;

    endpoint.otherwise({ type: "reply" });
    const next = deployment.start();
    figures.resumeMs = await harness.untilWorker(next, "the next worker ends", () => next.exit !== null);
    harness.did("Ran the next tick.");
    harness.expect("it finished the job", next.exit?.code === 0, exitText(next));
    figures.requestsAfter = endpoint.requests.length;
    expectBoughtOnce(harness, before);
    expectRecords(harness, deployment);
  },
};

/** Only what was lost on the way is asked again; its first call stays charged. */
function expectBoughtOnce(harness: Harness, before: number): void {
  const bodies = harness.endpoint.requests.map(({ body }) => body);
  const twice = bodies.filter((body, index) => bodies.indexOf(body) !== index);
  harness.expect(
    "no answered question was asked again",
    !bodies.slice(0, before - 1).some((body) => bodies.lastIndexOf(body) >= before),
    `${bodies.length} requests for ${QUESTIONS} questions`,
  );
  harness.expect(
    "the one that was lost was asked once more, and nothing else",
    bodies.length === QUESTIONS + 1 && twice.length === 1 && twice[0] === bodies[before - 1],
    `${twice.length} asked twice`,
  );
  harness.figures.askedTwice = twice.length;
}

function expectRecords(harness: Harness, deployment: Deployment): void {
  const { state, units } = deployment.job();
  const isDone = state === "done" && units === ITEMS;
  harness.expect(`the job is done, with ${ITEMS} items`, isDone, `${state}, ${units} items`);
  const files = readdirSync(join(deployment.state, "out")).filter((name) => name.endsWith(".md"));
  harness.expect("its file appeared once", files.length === 1, files.join(", ") || "no file");
  const entries = deployment.rows<{ state: string }>("select state from ledger");
  const count = (wanted: string) => entries.filter((entry) => entry.state === wanted).length;
  harness.expect(
    "the ledger has each answer once, and the lost call as unknown",
    count("settled") === QUESTIONS && count("unknown") === 1,
    `${count("settled")} settled, ${count("unknown")} unknown`,
  );
  const breaches = findBreaches(deployment.state);
  harness.expect(
    "the counters equal the ledger, and no job or output is lost",
    breaches.length === 0,
    breaches.join("; ") || "nothing else",
  );
  const ticks = deployment.rows<{ outcome: string }>("select outcome from ticks order by id");
  const outcomes = ticks.map(({ outcome }) => outcome).join(", ");
  harness.expect("the killed tick is known as crashed", outcomes === "crashed, ok", outcomes);
}
