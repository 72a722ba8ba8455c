import { expect, test } from "vitest";
import { renderTemplate, TEMPLATE_FIELDS } from "../../src/alerts/channels/text.ts";
import { samplePayload } from "./payload.ts";

test("fields are put in place, numbers and a zero included", () => {
  expect(renderTemplate("afk alert: {agent} at {pct}% of {period} cap", samplePayload({ pct: 0 }))).toBe(
    "afk alert: morning-digest at 0% of 2026-11-21 cap",
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
  const fields = samplePayload({ job: "j", tick: "t", source: "s", threshold: 0.5, count: 2, ...cap });
  expect([...TEMPLATE_FIELDS].sort()).toEqual(Object.keys(fields).sort());
});
