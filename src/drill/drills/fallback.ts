import { unusedUrl } from "../../faults/model-endpoint.ts";
import type { Drill } from "../harness.ts";
import { MODEL } from "../scratch-config.ts";

const PRIMARY = "openai/afk-drill-primary";

/** The first model of the chain is down, then the second too. */
export const fallback: Drill = {
  name: "fallback",
  description: "When the first model is down the next one answers, marked as degraded",
  promise: "A model that is down costs quality and not the work, and nobody takes one for the other.",
  async run(harness) {
    const { endpoint } = harness;
    const chain = [PRIMARY, MODEL, "extractive"];
    harness.differ(
      `The chain is ${chain.join(", ")}, with nothing listening where the first one is reached.`,
    );
    const deployment = harness.deploy({ chain, openaiUrl: await unusedUrl() });
    const agent = await deployment.open({ clock: harness.clock });

    harness.did("Asked the chain while nothing listened at the first model's address.");
    const second = await harness.ask(agent, "The first model is down. The second one answers.");
    harness.expect(
      "the second model answers, and says that it is not the first choice",
      second.completion?.model === MODEL && second.completion.degraded,
      second.text,
    );
    harness.expectRequests("it was asked once", 1);
    const entries = deployment.rows<{ model: string; state: string; degraded: number }>(
      "select model, state, degraded from ledger",
    );
    const entry = (name: string) =>
      entries.find(({ model }) => model === name) ?? { state: "not in the ledger", degraded: "-" };
    const { state } = entry(PRIMARY);
    harness.expect("the first was tried, and its money given back", state === "released", state);
    const other = entry(MODEL);
    harness.expect(
      "the ledger marks the second as degraded",
      other.state === "settled" && other.degraded === 1,
      `${other.state}, degraded ${other.degraded}`,
    );

    endpoint.otherwise({ type: "error", status: 503 });
    harness.did("Asked again while the second one answered with status 503.");
    const last = await harness.ask(agent, "Both models are down. The summary without a model says this.");
    harness.expect(
      "the last of the chain, which needs no model, answers",
      last.completion?.model === "extractive" && last.completion.degraded,
      last.text,
    );
    harness.expectRequests("the second one was asked first", 2);
    const fallbacks = harness.expectLogged(deployment, "fallback_used", 2);
    Object.assign(harness.figures, { requests: endpoint.requests.length, fallbacks });
  },
};
