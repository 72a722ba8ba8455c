import { expect, it } from "vitest";
import { receiver } from "../alerts/receiver.ts";
import { deployment, digestConfig, ollama, PROCESSES } from "../support/afk.ts";
import { cases, patience, report } from "../support/chaos.ts";

/** What servers answer for weeks where somebody has to do something, and in whose words. */
const REFUSALS: [status: number, message: string][] = [
  [400, "Your credit balance is too low to access the API."],
  [422, "Extra inputs are not permitted: temperature."],
  [404, "The model was retired."],
  [402, "Insufficient balance."],
  [413, "The request is larger than this server takes."],
];

it(
  "a model that refuses every call is told of once a day in its server's words, whatever goes on beside it",
  async () => {
    const refusals = REFUSALS.slice(0, cases({ test: 1, chaos: REFUSALS.length }));
    for (const [status, message] of refusals) {
      const server = await ollama([], { type: "error", status, message });
      const hook = await receiver();
      const target = deployment(
        digestConfig(server.url, {
          models: { chain: ["ollama/test-model", "extractive"] },
          // Else the breaker would open for some of them, and tell of it.
          rest: { alerts: [{ type: "webhook", url: hook.url }], breaker: { failures: 50 } },
        }),
      );
      for (let run = 0; run < 3; run++) {
        target.write(`inbox/${run}.md`, `# Title of ${run}\n\nThe harbour is open. Ships may enter.\n`);
        // The work goes on, so that nothing else would tell of it.
        expect((await target.afk(["tick", "--now", "digest"])).code).toBe(0);
      }
      const told = hook.received.filter(({ body }) => body.includes('"model_refuses"'));
      expect(told.map(({ body }) => body.includes(message.slice(0, -1)))).toEqual([true]);
      expect((await target.afk(["status"])).stdout).toContain("refuses every call");

      server.otherwise({ type: "reply" });
      target.write("inbox/last.md", "# The last\n\nThe harbour is open. Ships may enter.\n");
      expect((await target.afk(["tick", "--now", "digest"])).code).toBe(0);
      expect((await target.afk(["status"])).stdout).not.toContain("refuses every call");
    }
    report("refused models", refusals.length);
  },
  patience({ test: PROCESSES.timeout, chaos: 600_000 }),
);
