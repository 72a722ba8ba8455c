import { describe, it } from "vitest";
import { docker, run, say } from "../support/engine/command.ts";
import { behave } from "../support/engine/model.ts";
import { callsOf, digestIsThere, digestsOf, itemsNotOnce, type LedgerLine } from "./support/books.ts";
import { type Deployment, deploy } from "./support/deployment.ts";
import { digestConfig, MODEL } from "./support/digest.ts";
import { eventually } from "./systemd/eventually.ts";

/**
 * What can happen to the model's container. Whatever it is, the digest comes, marked as made without the model; the breaker
 * opens after two failures; and after its cooldown, with the model back, the next digest is made by it again.
 */
interface Fault {
  name: string;
  /** Ends what it can of a model that may be in the middle of a reply. */
  happen(agent: Deployment, model: string): Promise<unknown>;
  heal(agent: Deployment, model: string): Promise<unknown>;
  /** The worker is in the middle of the model's reply when it happens. */
  inMidReply?: boolean;
}

const SLOW = { type: "slow", text: "word ".repeat(100), everyMs: 50 } as const;
const REPLY = { type: "reply" } as const;

const FAULTS: Fault[] = [
  {
    name: "stopped",
    happen: (_agent, model) => docker(["stop", "--time", "2", model]),
    heal: (_agent, model) => docker(["start", model]),
  },
  {
    name: "paused",
    happen: (_agent, model) => freeze(model),
    heal: (_agent, model) => docker(["unpause", model]),
  },
  {
    name: "killed in mid-reply",
    inMidReply: true,
    happen: (_agent, model) => docker(["kill", model]),
    heal: (_agent, model) => docker(["start", model]),
  },
  {
    name: "cut off from the network in mid-reply",
    inMidReply: true,
    happen: ({ network }, model) => docker(["network", "disconnect", network, model]),
    heal: ({ network }, model) => docker(["network", "connect", "--alias", "ollama", network, model]),
  },
  {
    name: "answering errors",
    happen: ({ model }) => behave(model.inModel, { otherwise: { type: "error", status: 500 } }),
    heal: ({ model }) => behave(model.inModel, { otherwise: REPLY }),
  },
];

const ITEMS = 4;
const COOLDOWN = "4s";
const CONFIG = digestConfig({
  models: { chain: [MODEL, "extractive"], timeout: "2s" },
  breaker: { failures: 2, cooldown: COOLDOWN, max_cooldown: COOLDOWN },
});

describe.concurrent("a model's container that is", () => {
  it.for(FAULTS)(
    "$name: the digest comes, marked, and the model is used again later",
    async (fault, { expect, ...context }) => {
      const agent = await deploy(context);
      const model = agent.model.container.getId();
      // Its container is to be ended whatever happens here, and a paused one cannot be.
      context.onTestFinished(() => run("docker", ["unpause", model]).then(() => undefined));
      await agent.configure(CONFIG);
      await agent.fillInbox(ITEMS);

      await startUnder(fault, agent, model);
      await digestIsThere(agent);
      const first = await digestsOf(agent);
      expect(itemsNotOnce(first.text, ITEMS)).toEqual({});
      expect(first.text).toContain("since no model answered");
      expect(await openingsOf(agent)).toBeGreaterThanOrEqual(1);
      // The breaker has spared the model: two calls, and a probe for each cooldown that passed meanwhile.
      const before = await statesOf(agent);
      expect(before.length).toBeLessThan(ITEMS + 1);

      await recover(fault, agent, model);
      await agent.fillInbox(2, ITEMS + 1);
      expect((await agent.afk(["enqueue", "digest", "--key", "after"])).code).toBe(0);
      await digestIsThere(agent, 2);
      const { names, text } = await digestsOf(agent);
      expect(names).toHaveLength(2);
      expect(itemsNotOnce(text, ITEMS + 2)).toEqual({});
      expect(text.replace(first.text, "")).not.toContain("no model answered");
      expect((await breakerOf(agent))?.state).toBe("closed");
      const after = (await statesOf(agent)).slice(before.length);
      expect(after).toContain("settled");
      say(
        `  ${fault.name}: calls meanwhile ${before.join(", ")}; later ${after.join(", ")}; the breaker opened ${await openingsOf(agent)} times and is closed`,
      );
    },
  );
});

/** With the first cgroups runc gives a process that is being born some tries, then thaws it all and says "unable to freeze". */
async function freeze(container: string): Promise<void> {
  const isFrozen = async () => (await run("docker", ["pause", container])).code === 0;
  await eventually(`${container} can be frozen`, isFrozen);
}

async function startUnder(fault: Fault, agent: Deployment, model: string): Promise<void> {
  if (!fault.inMidReply) await fault.happen(agent, model);
  else await behave(agent.model.inModel, { otherwise: SLOW });
  await agent.start(["run"]);
  if (!fault.inMidReply) return;
  await eventually("the model is called", async () => (await callsOf(agent)).length > 0);
  await fault.happen(agent, model);
}

/** The model is as it was, and the breaker's cooldown is over. */
async function recover(fault: Fault, agent: Deployment, model: string): Promise<void> {
  await fault.heal(agent, model);
  const isUp = async () => (await run("docker", ["exec", model, "ollama", "list"])).code === 0;
  await eventually("the model is up", isUp);
  await behave(agent.model.inModel, { otherwise: REPLY });
  await eventually("the cooldown is over", async () => {
    const until = (await breakerOf(agent))?.until ?? null;
    return until === null || Date.parse(until) < (await agent.nowMs());
  });
}

interface Breakers {
  breakers: { name: string; state: string; until: string | null }[];
}

async function breakerOf(agent: Deployment) {
  const { breakers } = await agent.ask<Breakers>(["status"]);
  return breakers.find(({ name }) => name === `model:${MODEL}`);
}

/** How often it has opened, by the log. */
async function openingsOf({ sh }: Deployment): Promise<number> {
  return Number(await sh(`cat /data/logs/*.jsonl | grep -c '"event":"breaker_open"' || true`));
}

/** What became of the model's calls, oldest first. */
async function statesOf(agent: Deployment): Promise<string[]> {
  const lines = await agent.ask<LedgerLine[]>(["ledger", "list", "--limit", "1000"]);
  return lines
    .filter(({ model }) => model === MODEL)
    .map(({ state }) => state)
    .reverse();
}
