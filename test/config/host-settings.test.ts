import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BASE, folderForTest, issuesOf, linesOf, load, withBase } from "./support.ts";

const caps = { daily_cap_usd: 1, hourly_cap_usd: 1, monthly_cap_usd: 1, job_cap_usd: 1 };

describe("host settings", () => {
  it("win over the caps of the file", () => {
    const environment = { DAILY_CAP_USD: "0.29", HOURLY_CAP_USD: "0", MONTHLY_CAP_USD: "1000000" };
    expect(load(withBase({ budget: caps }), { environment }).budget).toMatchObject({
      caps: {
        day_micros: 290_000,
        hour_micros: 0,
        month_micros: 1_000_000_000_000,
        job_micros: 1_000_000,
      },
    });
  });

  it("give the cap that a file lacks", () => {
    const { budget: _, ...rest } = BASE;
    expect(load(rest, { environment: { DAILY_CAP_USD: "2" } }).budget.caps.day_micros).toBe(2_000_000);
    expect(
      load({ ...rest, budget: {} }, { environment: { DAILY_CAP_USD: "2" } }).budget.caps.day_micros,
    ).toBe(2_000_000);
  });

  it("do not mend a budget that is no section", () => {
    expect(issuesOf(withBase({ budget: 5 }), { environment: { DAILY_CAP_USD: "2" } })[0]?.path).toBe(
      "budget",
    );
  });

  it.each([
    "",
    "abc",
    "-1",
    "Infinity",
    "NaN",
    "1e3",
    "0x10",
    " 1",
    "1 ",
    "+1",
    ".5",
    "1.",
    "1,5",
    "$1",
    "1000001",
    "١",
  ])("refuse the cap %j, by the variable's name", (text) => {
    for (const name of ["DAILY_CAP_USD", "HOURLY_CAP_USD", "MONTHLY_CAP_USD"]) {
      expect(linesOf(BASE, { environment: { [name]: text } })).toEqual([
        `${name}: found ${JSON.stringify(text)}; write US dollars as a plain decimal number from 0 to 1000000, for example 1.00, or unset ${name}`,
      ]);
    }
  });

  it("set the seconds between ticks", () => {
    expect(load(BASE, { environment: { TICK_SECONDS: "86400" } }).tickSeconds).toBe(86_400);
    expect(load(BASE, { environment: { TICK_SECONDS: "1" } }).tickSeconds).toBe(1);
  });

  it.each(["", "0", "86401", "1.5", "-5", "60s", "1e2"])("refuse TICK_SECONDS=%j", (text) => {
    expect(issuesOf(BASE, { environment: { TICK_SECONDS: text } }).map((issue) => issue.path)).toEqual([
      "TICK_SECONDS",
    ]);
  });

  it("set the path of the stop file, relative to the working directory", () => {
    const cwd = folderForTest();
    expect(load(BASE, { cwd, environment: { KILL_FLAG: "flags/KILL" } }).paths.stopFile).toBe(
      join(cwd, "flags/KILL"),
    );
    expect(load(BASE, { environment: { KILL_FLAG: "/run/afk/KILL" } }).paths.stopFile).toBe("/run/afk/KILL");
  });

  it("expand ~/ in KILL_FLAG, which only a shell would do, and refuse ~name", () => {
    const at = (KILL_FLAG: string) =>
      load(BASE, { environment: { HOME: "/home/me", KILL_FLAG } }).paths.stopFile;
    expect(at("~/afk.kill")).toBe("/home/me/afk.kill");
    expect(issuesOf(BASE, { environment: { KILL_FLAG: "~you/afk.kill" } })).toMatchObject([
      { path: "KILL_FLAG" },
    ]);
  });

  it("refuse an empty KILL_FLAG, which would be no stop file", () => {
    expect(issuesOf(BASE, { environment: { KILL_FLAG: "" } })[0]?.path).toBe("KILL_FLAG");
  });
});

describe("ALERT_WEBHOOK", () => {
  const channelOf = (url: string) => load(BASE, { environment: { ALERT_WEBHOOK: url } }).alerts[0];

  it.each([
    ["https://ntfy.sh/topic", "ntfy"],
    ["http://ntfy/topic", "ntfy"],
    ["https://ntfy.example.org/topic", "ntfy"],
    ["https://ntfy.example.org/api/hook", "webhook"],
    ["https://discord.com/api/webhooks/1/x", "discord"],
    ["https://discordapp.com/api/webhooks/1/x", "discord"],
    ["https://notdiscord.com/api/webhooks/1/x", "webhook"],
    ["https://hooks.slack.com/services/T/B/x", "slack"],
    ["https://example.org/hook", "webhook"],
    ["http://127.0.0.1:8080/x", "webhook"],
  ])("takes %s for %s", (url, type) => {
    expect(channelOf(url)).toEqual({ type, name: "host", url, on: null, template: null, settings: null });
  });

  it("takes the chat of a telegram address from its query", () => {
    expect(channelOf("https://api.telegram.org/bot1:abc/sendMessage?chat_id=-42")).toEqual({
      type: "telegram",
      name: "host",
      url: "https://api.telegram.org/bot1:abc/sendMessage",
      on: null,
      template: null,
      settings: { chatId: "-42" },
    });
  });

  it.each([
    "https://ntfy.sh/topic",
    "https://discord.com/api/webhooks/1/x",
    "https://hooks.slack.com/services/T/B/x",
    "https://api.telegram.org/bot1:abc/sendMessage?chat_id=-42",
    "https://api.telegram.org/bot1:abc?chat_id=@ops",
    "https://example.org/hook",
  ])("means by %s what the file means by it", (url) => {
    const fromHost = channelOf(url);
    expect(load(withBase({ alerts: [{ type: fromHost?.type, name: "host", url }] })).alerts).toEqual([
      fromHost,
    ]);
  });

  it.each([
    "https://api.telegram.org/bot1:abc/sendMessage",
    "https://api.telegram.org/bot1:abc/sendMessage?chat_id=",
    "https://api.telegram.org/?chat_id=1",
    "hook.example/secret",
    "ftp://hook.example/secret",
    "https://me:secret@hook.example/",
  ])("refuses %s without showing it", (url) => {
    const [line] = linesOf(BASE, { environment: { ALERT_WEBHOOK: url } });
    expect(line).toMatch(/^ALERT_WEBHOOK: is /);
    expect(line).not.toMatch(/secret|abc/);
  });

  it("is the channel of a file that names none, and a secret in any case", () => {
    const environment = { ALERT_WEBHOOK: "https://example.org/hook" };
    const document = withBase({ alerts: [{ type: "ntfy", url: "https://ntfy.sh/topic" }] });
    const own = load(document, { environment });
    expect(own.alerts.map((channel) => channel.type)).toEqual(["ntfy"]);
    const none = load(BASE, { environment });
    expect(none.alerts).toMatchObject([{ type: "webhook", name: "host" }]);
    for (const { secrets } of [own, none]) expect(secrets).toContain("https://example.org/hook");
  });

  it("can be named by a job, also in a shell that lacks it", () => {
    const jobs = [{ name: "p", kind: "plain", command: [], alerts: ["host"] }];
    for (const environment of [{ ALERT_WEBHOOK: "https://example.org/hook" }, {}])
      expect(load(withBase({ jobs }), { environment }).jobs[0]?.alerts).toEqual(["host"]);
  });

  it("may be in a file, and is nothing when empty", () => {
    const file = join(folderForTest(), "hook");
    writeFileSync(file, "https://example.org/hook\n");
    expect(load(BASE, { environment: { ALERT_WEBHOOK_FILE: file } }).alerts[0]?.url).toBe(
      "https://example.org/hook",
    );
    expect(load(BASE, { environment: { ALERT_WEBHOOK: "" } }).alerts).toEqual([]);
    expect(issuesOf(BASE, { environment: { ALERT_WEBHOOK_FILE: "/nowhere" } })[0]?.path).toBe(
      "ALERT_WEBHOOK",
    );
  });
});
