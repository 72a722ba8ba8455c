// @module-tag slow
import { describe, expect, it } from "vitest";
import { afk } from "../cli/commands/in-process.ts";
import { hook } from "../delivery/harness.ts";
import { deployment, deploymentAt } from "../support/afk.ts";
import { smtpServer } from "../support/smtp-server.ts";

const agent = (deliver: object[], alerts: object[] = []) => ({
  agent: "test-agent",
  budget: { daily_cap_usd: 0.1 },
  models: { chain: ["extractive"] },
  alerts,
  jobs: [{ name: "script", kind: "exec", command: ["sh", "-c", "echo three files; echo a b c"], deliver }],
});

async function delivered(deliver: object[], alerts: object[] = []) {
  const target = deployment(agent(deliver, alerts));
  expect((await afk(target, "enqueue", "script")).code).toBe(0);
  expect((await target.afk(["tick"])).code).toBe(0);
  return target;
}

describe("afk deliver", () => {
  it("sends the last result again at once, and shows what each receiver said", async () => {
    const [taking, refusing] = [
      await hook(),
      await hook((_, count) => (count > 1 ? { status: 503, body: "later" } : {})),
    ];
    const { port, sessions } = await smtpServer();
    const mail = {
      to: "email",
      url: `smtp://127.0.0.1:${port}`,
      from: "a@example.org",
      mail_to: "b@example.org",
    };
    const target = await delivered([taking.entry, refusing.entry, mail]);
    const answer = await afk(target, "deliver", "script");
    expect(answer.code).toBe(1);
    expect(answer.stdout).toContain("three files");
    expect(answer.stdout).toMatch(/webhook +webhook +1 of 1 +200 +ok/);
    expect(answer.stdout).toMatch(/webhook-2 +webhook +0 of 1 +503 +HTTP 503: later/);
    expect(answer.stdout).toMatch(/email +email +1 of 1 +250 +ok/);
    // A receiver that drops repeats must not drop this one.
    expect(new Set(taking.keys()).size).toBe(2);
    const ids = sessions.map(({ message }) => /^Message-ID: (.*)$/im.exec(message ?? "")?.[1]);
    expect(new Set(ids).size).toBe(2);

    const one = await afk(target, "deliver", "script", "--to", "webhook", "--json");
    expect(JSON.parse(one.stdout)).toMatchObject({
      ok: true,
      job: "script",
      outcome: "done",
      isKilled: false,
      receivers: [
        { receiver: "webhook", ok: true, messages: { taken: 1, all: 1 }, status: 200, error: null },
      ],
    });
    expect([taking.received.length, refusing.received.length]).toEqual([3, 2]);
  });

  it("ends what waited for the receiver that takes it now", async () => {
    const receiver = await hook((_, count) => (count === 1 ? { status: 500 } : {}));
    const target = await delivered([receiver.entry]);
    expect(target.query("select state from deliveries")).toEqual([{ state: "pending" }]);
    expect((await afk(target, "deliver", "script")).code).toBe(0);
    expect(target.query("select state from deliveries")).toEqual([{ state: "delivered" }]);
  });

  it("sends under a set kill switch, and says so", async () => {
    const receiver = await hook();
    const target = await delivered([receiver.entry]);
    await afk(target, "stop");
    const answer = await afk(target, "deliver", "script");
    expect(answer).toMatchObject({ code: 0, stdout: expect.stringContaining("the kill switch is set") });
    expect(receiver.received).toHaveLength(2);
  });

  it("sends to any channel of alerts that is named", async () => {
    const phone = await hook();
    const alerts = [{ name: "phone", type: "webhook", url: phone.url, on: ["overrun"] }];
    const target = await delivered([], alerts);
    expect((await afk(target, "deliver", "script", "--to", "phone")).code).toBe(0);
    expect(phone.bodies()).toMatchObject([{ title: "three files", text: "three files\na b c" }]);
  });

  it.each([
    [["deliver", "scirpt"], 2, "Did you mean script?"],
    [["deliver", "script", "--to", "webhok"], 2, "Did you mean webhook?"],
    [["deliver", "script"], 1, "script has no result yet; make one with: afk tick --now script"],
  ])("refuses %j", async (words, code, message) => {
    const target = deployment(agent([{ to: "webhook", url: "http://127.0.0.1:9/" }]));
    expect(await afk(target, ...words)).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });

  it("refuses a job that delivers to nobody", async () => {
    const answer = await afk(deploymentAt(deployment(agent([])).dir), "deliver", "script");
    expect(answer).toMatchObject({ code: 2, stderr: expect.stringContaining("delivers to nobody") });
  });
});

describe("before anything was delivered", () => {
  it("afk alert test tries the receivers of results too, and is content with alerts alone", async () => {
    const [alerts, results] = [await hook(), await hook()];
    const deliver = [results.entry, { to: "file", path: "/nowhere/at/all/" }];
    const channel = { type: "webhook", url: alerts.url };
    const both = deployment(agent(deliver, [channel]));
    const answer = await afk(both, "alert", "test");
    expect(answer).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("there is no folder /nowhere/at/all"),
    });
    expect([alerts.received.length, results.received.length]).toEqual([1, 1]);
    const fine = deployment(agent([results.entry], [channel]));
    expect((await afk(fine, "alert", "test")).code).toBe(0);
    const none = await afk(deployment(agent([results.entry])), "alert", "test");
    expect(none).toMatchObject({ code: 1, stdout: expect.stringContaining("no channel") });
  });

  it("afk doctor says of each receiver what became of its last result", async () => {
    const [taking, refusing] = [await hook(), await hook(() => ({ status: 410 }))];
    const target = await delivered([taking.entry, refusing.entry, { to: "file", path: "/nowhere/at/all/" }]);
    const { stdout } = await afk(target, "doctor", "--offline");
    expect(stdout).toMatch(/results of script to webhook: .*the last result was delivered/);
    expect(stdout).toMatch(/results of script to webhook-2: .*not delivered .*HTTP 410/);
    expect(stdout).toMatch(/results of script to file: .*no folder \/nowhere\/at\/all/);
  });
});
