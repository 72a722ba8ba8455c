import { expect, it } from "vitest";
import { hostFindings } from "../../src/drill/host-drill.ts";
import type { Figures } from "../../src/drill/recorder.ts";

const WELL: Figures = {
  goneMs: 312,
  processesBefore: 6,
  containersBefore: 1,
  signsOfLifeBefore: 4,
  processesAfter: 0,
  containersAfter: 0,
  signsOfLifeAfter: 0,
  watchedMs: 5_000,
  cameBack: "",
};

const isPass = (figures: Figures) => hostFindings(figures).every(({ isSo }) => isSo);

it("a pass needs a worker that was at work, is gone from both lists, is silent, and stays away", () => {
  expect(isPass(WELL)).toBe(true);
});

it.each(Object.keys(WELL))("without %s it is none", (name) => {
  const { [name]: _left, ...rest } = WELL;
  expect(isPass(rest)).toBe(false);
});

it.each<[string, Figures[string]]>([
  ["processesBefore", 0],
  ["containersBefore", 0],
  ["signsOfLifeBefore", 0],
  ["processesAfter", 1],
  ["containersAfter", 1],
  ["signsOfLifeAfter", 2],
  ["cameBack", "afk.service"],
  ["watchedMs", 0],
  ["processesAfter", "none"],
])("with %s %j it is none", (name, value) => {
  expect(isPass({ ...WELL, [name]: value })).toBe(false);
});
