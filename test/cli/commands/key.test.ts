// @module-tag processes
import { describe, expect, it } from "vitest";
import { openAgent } from "../../../src/agent.ts";
import { createFindCaller } from "../../../src/gateway/keys.ts";
import { deployment, PROCESSES } from "../../support/afk.ts";
import { afk, afkJson } from "./in-process.ts";

const config = (...names: string[]) => ({
  agent: "test-agent",
  budget: { daily_cap_usd: 1 },
  models: { chain: ["extractive"] },
  gateway: { clients: names.map((name) => ({ name })) },
});

describe("afk key", PROCESSES, () => {
  it("prints a key this once, alone on standard output, and lists it by its end", async () => {
    const target = deployment(config("laptop"));
    const made = await target.afk(["key", "make", "laptop"]);
    expect(made).toMatchObject({ code: 0, stderr: "It is not shown again; afk keeps its hash alone.\n" });
    expect(made.stdout).toMatch(/^afk_[0-9a-f]{64}\n$/);
    const key = made.stdout.trim();
    const list = await afk(target, "key");
    expect(list.stdout).toMatch(new RegExp(`^laptop +${key.slice(-6)} +valid`, "m"));
    expect(list.stdout + JSON.stringify(target.logs())).not.toContain(key.slice(4, 20));
    expect(target.logs()).toMatchObject([{ event: "key_made", client: "laptop", hint: key.slice(-6) }]);
  });

  it("makes and revokes keys under an agent that is up, for which they hold at once", async () => {
    const target = deployment(config("laptop"));
    const agent = await openAgent({ config: target.configFile, state: target.state });
    try {
      const { store, log } = agent;
      const find = createFindCaller({ store, config: () => agent.config, log });
      const made = (await afkJson(target, "key", "make", "laptop")).json as { key: string; hint: string };
      expect(await find(made.key)).toMatchObject({ title: "client laptop" });
      expect(await afkJson(target, "key", "revoke", "laptop")).toEqual({
        code: 0,
        json: { client: "laptop", revoked: [made.hint] },
      });
      expect(await find(made.key)).toBeNull();
    } finally {
      await agent.close();
    }
    const { json } = await afkJson(target, "key", "list");
    expect(json).toMatchObject([{ client: "laptop", state: "revoked" }]);
  });

  it("refuses a name that afk.yaml lacks, an unclear end, and surplus words", async () => {
    const target = deployment(config("laptop"));
    expect(await afk(target, "key", "make", "labtop")).toMatchObject({
      code: 2,
      stderr: "afk key: gateway.clients in afk.yaml has no labtop. Did you mean laptop?\n",
    });
    await afk(target, "key", "make", "laptop");
    await afk(target, "key", "make", "laptop");
    const unclear = await afk(target, "key", "revoke", "laptop");
    expect(unclear).toMatchObject({ code: 2, stderr: expect.stringContaining("say which, by its end") });
    expect(await afk(target, "key", "revoke", "laptop", "abcdef", "--all")).toMatchObject({ code: 2 });
    expect(await afk(target, "key", "make", "laptop", "ci")).toMatchObject({ code: 2 });
    const all = await afk(target, "key", "revoke", "laptop", "--all");
    expect(all).toMatchObject({ code: 0, stdout: expect.stringMatching(/^(revoked the key .*\n){2}$/) });
    expect(await afk(target, "key", "revoke", "laptop", "--all")).toMatchObject({ code: 1 });
  });
});
