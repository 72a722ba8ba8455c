import { expect, test } from "vitest";
import { createTally } from "../../src/gateway/tally.ts";
import { reserved, spend } from "../support/rails.ts";
import { railsOn } from "../support/rails-on.ts";
import { PREPARED_CONFIG } from "./prepared.ts";
import { testSite } from "./site.ts";

const SECTIONS = {
  budget: { daily_cap_usd: 5 },
  gateway: { listen: "127.0.0.1:4236", clients: [{ name: "laptop", caps: { daily_usd: 2 } }] },
};

async function siteWithClients() {
  const site = await testSite({ isEmpty: true, sections: SECTIONS });
  const rails = railsOn(site.store, "/nowhere", { clock: site.clock, timezone: "Europe/Berlin" });
  const call = (client: string, model: string) => ({ scope: { tick: null, job: null, client }, model });
  return { site, rails, call };
}

test("the page and the metrics say what each client did today", async () => {
  const { site, rails, call } = await siteWithClients();
  await spend(rails, 250_000, call("laptop", "openai/test"));
  await reserved(rails, 100_000, call("laptop", "openai/test"));
  const tally = createTally(rails);
  tally.add("client:laptop", "refused");
  tally.add("", "refused");
  await tally.close();
  const { body: page } = await site.ask("/");
  const [, card = ""] = /data-part="clients"([\s\S]*?)<\/section>/.exec(page) ?? [];
  expect(card).toContain("Clients of the gateway");
  expect(card).toContain("http://127.0.0.1:4236");
  expect(card).toContain("not served");
  expect(card).toMatch(/laptop[\s\S]*?\$0\.35 <span class="quiet">\(\$0\.1\d* reserved\)/);
  expect(card).toContain("1 refused today without a valid key");
  const { body } = await site.ask("/metrics");
  for (const line of [
    "afk_gateway_up 0",
    "afk_gateway_unknown_keys 1",
    'afk_client_calls{client="laptop"} 2',
    'afk_client_settled_usd{client="laptop"} 0.25',
    'afk_client_reserved_usd{client="laptop"} 0.1',
    'afk_client_refused{client="laptop"} 1',
    'afk_model_calls{model="openai/test"} 2',
    'afk_model_settled_usd{model="openai/test"} 0.25',
  ])
    expect(body.split("\n")).toContain(line);
});

test("no label of a client's making can make them longer or say something else", async () => {
  const { site, rails, call } = await siteWithClients();
  const before = {
    page: (await site.ask("/")).body.length,
    metrics: (await site.ask("/metrics")).body.length,
  };
  for (let n = 0; n < 300; n++) {
    const model = n % 2 === 0 ? `ollama/made-up-${n}` : `ollama/"} 1\nafk_killed 1\n<script>${n}`;
    await spend(rails, 0, { ...call("laptop", model), session: `session-${n}<script>` });
  }
  const [page, metrics] = [(await site.ask("/")).body, (await site.ask("/metrics")).body];
  expect(page).not.toContain("session-");
  expect(page).not.toContain("made-up");
  expect(page.length - before.page).toBeLessThan(3_000);
  expect(metrics).not.toContain("session");
  expect(metrics.split("\n").filter((line) => line.startsWith("afk_killed"))).toEqual(["afk_killed 0"]);
  const models = metrics.split("\n").filter((line) => line.startsWith("afk_model_calls{"));
  expect(models).toHaveLength(21 + PREPARED_CONFIG.models.chain.length);
  expect(models).toContain('afk_model_calls{model="other"} 280');
});

test("an agent without a gateway has no such section", async () => {
  const site = await testSite({ isEmpty: true, sections: { budget: { daily_cap_usd: 5 } } });
  expect((await site.ask("/")).body).not.toContain("Clients of the gateway");
});
