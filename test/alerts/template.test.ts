import { describe, expect, test } from "vitest";
import { CHANNELS, type ChannelType } from "../../src/alerts/channels/registry.ts";
import { alertText, renderTemplate, TEMPLATE_FIELDS } from "../../src/alerts/channels/text.ts";
import { sampleChannel, samplePayload } from "./payload.ts";

test("fields are put in place, numbers and a zero included", () => {
  expect(renderTemplate("afk alert: {agent} at {pct}% of {period} cap", samplePayload({ pct: 0 }))).toBe(
    "afk alert: morning-digest at 0% of the day's cap",
  );
});

test("fields that do not apply are empty", () => {
  expect(renderTemplate("[{job}{tick}]", samplePayload())).toBe("[]");
});

test("names that are no fields, and braces that are no placeholders, stay", () => {
  const template = "{agnet} {constructor} {__proto__} {} { agent } {{agent}} $x{";
  expect(renderTemplate(template, samplePayload())).toBe(template.replace("{{agent}}", "{morning-digest}"));
});

test("what a field says is not rendered again, and no pattern character in it counts", () => {
  expect(renderTemplate("{title}", samplePayload({ title: "{agent} $& $1" }))).toBe("{agent} $& $1");
});

test("every field of the payload can be named, and nothing else", () => {
  const cap = { unit: "calls", cap: 5, spent: 5, scope: "job:j" };
  const at = { date: "2026-11-21", time: "11:00" };
  const fields = samplePayload({ job: "j", tick: "t", source: "s", threshold: 0.5, count: 2, ...at, ...cap });
  expect([...TEMPLATE_FIELDS].sort()).toEqual(Object.keys(fields).sort());
});

test.for([
  ["the hour's cap", { window: "hour", period: "2026-11-21T10:00Z" }],
  ["the day's cap", { window: "day", period: "2026-11-21" }],
  ["the week's cap", { window: "week", period: "2026-W47" }],
  ["the month's cap", { window: "month", period: "2026-11" }],
  ["the tick's cap", { window: "tick", period: "01k9abcdefghjkmnpqrstvwxyz" }],
  ["the run's cap", { window: "job", period: "digest@2026-11-21T06:00:00.000Z" }],
  ["the day's token cap", { window: "day", period: "2026-11-21", unit: "tokens", cap: 5, spent: 4 }],
  ["the hour's call cap", { window: "hour", period: "2026-11-21T10:00Z", unit: "calls", cap: 5, spent: 4 }],
  ["client laptop's daily cap", { window: "day", period: "2026-11-21", scope: "client:laptop" }],
  [
    "job digest's weekly call cap",
    { window: "week", period: "2026-W47", scope: "job:digest", unit: "calls" },
  ],
] as const)("{period} is said as people do: %s", ([words, fields]) => {
  const payload = samplePayload({ pct: 80, ...fields });
  expect(renderTemplate("afk alert: {agent} at {pct}% of {period} cap", payload)).toBe(
    `afk alert: morning-digest at 80% of ${words}`,
  );
});

test("a field whose value is for programs is said in words", () => {
  const at = { date: "2026-11-21", time: "11:00" };
  const payload = samplePayload({
    ...at,
    window: "job",
    scope: "client:laptop",
    job: "digest@2026-11-21T06:00:00.000Z",
  });
  const template = "{window}, {scope}, {job}, {date} at {time}, {ts}";
  expect(renderTemplate(template, payload)).toBe(
    "run, client laptop, digest, 2026-11-21 at 11:00, 2026-11-21 11:00",
  );
  const byHand = samplePayload({ job: "digest@hand:2026-11-21T10:00:00.000Z" });
  expect(renderTemplate("{job}", byHand)).toBe("digest");
  expect(renderTemplate("{job}", samplePayload({ job: "invoice@mail-7" }))).toBe("invoice@mail-7");
  expect(renderTemplate("{period}", samplePayload({ window: "", period: "2026-W47" }))).toBe("week 47");
});

describe("a template that renders to nothing", () => {
  const config = (type: ChannelType, template: string) =>
    sampleChannel(type, "https://example.org/x", { template });

  test.for([["{job}"], [" {job}\n{tick} "], ["\u200b{source}"]])("%j sends the title", ([template = ""]) => {
    const payload = samplePayload();
    for (const type of ["slack", "discord", "telegram", "webhook", "email"] as const)
      expect(alertText(payload, config(type, template))).toBe("The day's cap is reached");
    const { body } = CHANNELS.ntfy.request(payload, config("ntfy", template));
    expect(JSON.parse(body)).toMatchObject({ message: "The day's cap is reached" });
  });

  test("says for how many it stands", () => {
    const folded = samplePayload({ count: 3 });
    expect(alertText(folded, config("slack", "{job}"))).toBe("The day's cap is reached (and 2 more like it)");
  });
});
