import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ALERT_EVENTS } from "../../src/alerts/events.ts";
import { eventsInWords } from "../../src/logs/people.ts";
import { eventsInCode } from "./events-in-code.ts";

const DOCUMENT = readFileSync(new URL("../../docs/logs.md", import.meta.url), "utf8");

/** The rows of the document's tables of events, by event. */
function documented(): Map<string, string> {
  const events = DOCUMENT.slice(DOCUMENT.indexOf("## Events\n"));
  return new Map(
    [...events.matchAll(/^\| `([a-z_]+)` \|(.*)$/gm)].map((match) => [match[1] ?? "", match[2] ?? ""]),
  );
}

test("the document has every event that the code writes, and no other", () => {
  expect([...documented().keys()].sort()).toEqual([...eventsInCode().keys()].sort());
});

test("the document has every field that the code states with an event", () => {
  const rows = documented();
  const missing = [...eventsInCode()].flatMap(([event, fields]) =>
    [...fields]
      .filter((field) => !rows.get(event)?.includes(`\`${field}\``))
      .map((field) => `${event}: ${field}`),
  );
  expect(missing).toEqual([]);
});

test("people are told of every event in words", () => {
  const inWords = new Set(eventsInWords());
  const without = [...eventsInCode().keys()].filter(
    (event) => !Object.hasOwn(ALERT_EVENTS, event) && !inWords.has(event),
  );
  expect(without).toEqual([]);
});
