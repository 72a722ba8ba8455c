// @module-tag processes
import { describe, expect, it } from "vitest";
import { deployment, digestConfig, ollama, PROCESSES } from "../../support/afk.ts";
import { afk, afkJson } from "./in-process.ts";

const REPLY = { type: "reply", text: "Oslo, Bergen, Narvik." } as const;

describe("afk ask", PROCESSES, () => {
  it("prints the text of one completion alone, and asks what was typed", async () => {
    const server = await ollama([], REPLY);
    const target = deployment(digestConfig(server.url));
    const answer = await target.afk(["ask", "--system", "Be short.", "Name", "three", "harbours."]);
    expect(answer).toEqual({ code: 0, signal: null, stdout: "Oslo, Bergen, Narvik.\n", stderr: "" });
    const asked = server.requests.filter(({ path }) => path === "/api/chat");
    expect(asked.map(({ body }) => JSON.parse(body).messages)).toEqual([
      [
        { role: "system", content: "Be short." },
        { role: "user", content: "Name three harbours." },
      ],
    ]);
    expect(target.query("select step, state, job from ledger")).toEqual([
      { step: "ask", state: "settled", job: null },
    ]);
  });

  it("takes the text from standard input where none is typed, and never both", async () => {
    const server = await ollama([], REPLY);
    const target = deployment(digestConfig(server.url));
    expect(await target.afk(["ask"], {}, "From a pipe.\nTwo lines.\n")).toMatchObject({ code: 0 });
    expect(await target.afk(["ask", "Typed."], {}, "From a pipe.")).toMatchObject({ code: 0 });
    const contents = server.requests
      .filter(({ path }) => path === "/api/chat")
      .map(({ body }) => JSON.parse(body).messages[0].content);
    expect(contents).toEqual(["From a pipe.\nTwo lines.\n", "Typed."]);
    const nothing = await target.afk(["ask"], {}, " \n");
    expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining("There is nothing to ask") });
  });

  it("says in JSON who answered, and what it cost in the agent's windows", async () => {
    const server = await ollama([], REPLY);
    const prices = { "ollama/other": { input: 1, output: 2 } };
    const target = deployment(digestConfig(server.url, { models: { prices } }));
    const { json } = await afkJson(target, "ask", "Hello.", "--model", "ollama/other");
    const answer = json as { costUsd: number };
    expect(answer).toMatchObject({ text: REPLY.text, model: "ollama/other", degraded: false });
    expect(answer.costUsd).toBeGreaterThan(0);
    const status = (await afkJson(target, "status")).json as {
      spend: { window: string; settledUsd: number }[];
    };
    expect(status.spend.find(({ window }) => window === "day")?.settledUsd).toBe(answer.costUsd);
  });

  it("takes an alias of gateway.models for a model", async () => {
    const server = await ollama([], REPLY);
    const models = { small: "ollama/other" };
    const target = deployment(digestConfig(server.url, { rest: { gateway: { models } } }));
    const { json } = await afkJson(target, "ask", "Hello.", "--model", "small");
    expect(json).toMatchObject({ text: REPLY.text, model: "ollama/other" });
  });

  it("says on standard error that another model than the first answered", async () => {
    const server = await ollama([{ type: "error", status: 500 }], REPLY);
    const chain = ["ollama/test-model", "ollama/second"];
    const target = deployment(digestConfig(server.url, { models: { chain } }));
    expect(await afk(target, "ask", "Hello.")).toMatchObject({
      code: 0,
      stdout: `${REPLY.text}\n`,
      stderr: "answered by ollama/second, since no model before it in the chain could\n",
    });
  });

  it("gives 75 and no text where the cap or the kill switch refuses, and JSON says which", async () => {
    const server = await ollama([], REPLY);
    const target = deployment(digestConfig(server.url, { budget: { daily_cap_usd: 0 } }));
    const capped = await afk(target, "ask", "Hello.");
    expect(capped).toMatchObject({
      code: 75,
      stdout: "",
      stderr: expect.stringContaining("day cap of $0.00"),
    });
    const asJson = await afk(target, "ask", "Hello.", "--json");
    expect([asJson.code, JSON.parse(asJson.stdout)]).toMatchObject([75, { error: { code: "cap_hit" } }]);

    target.configure(digestConfig(server.url));
    await afk(target, "stop");
    const killed = await afk(target, "ask", "Hello.", "--json");
    expect([killed.code, JSON.parse(killed.stdout)]).toMatchObject([75, { error: { code: "killed" } }]);
    expect(server.requests.filter(({ path }) => path === "/api/chat")).toEqual([]);
  });

  it("gives 75 too where the only model of the chain needs no call", async () => {
    const target = deployment({ ...digestConfig(""), models: { chain: ["extractive"] } });
    await afk(target, "stop");
    expect(await afk(target, "ask", "Hello.")).toMatchObject({ code: 75, stdout: "" });
  });

  it("gives 69 where no model could answer, and 78 where one has no price, no provider or no cap", async () => {
    const server = await ollama([], { type: "error", status: 500 });
    const plan = { type: "anthropic", base_url: "https://api.anthropic.com", auth: "client" };
    const providers = { ollama: { base_url: server.url }, plan };
    const target = deployment(digestConfig(server.url, { models: { providers } }));
    expect(await afk(target, "ask", "Hello.")).toMatchObject({ code: 69, stdout: "" });
    const ask = (model: string) => afk(target, "ask", "--model", model, "Hello.");
    expect(await ask("openai/nobody-knows")).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("is not known"),
    });
    expect(await ask("nobody/x")).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("names no model"),
    });
    expect(await ask("plan/claude-opus-5")).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("has auth: client"),
    });
    target.configure({ ...digestConfig(server.url), budget: { daily_cap_calls: 5 } });
    expect(await ask("anthropic/claude-haiku-4-5")).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("budget.daily_cap_usd: missing"),
    });
    expect(target.query("select count(*) as n from ledger where model like 'anthropic%'")).toEqual([
      { n: 0 },
    ]);
  });
});
