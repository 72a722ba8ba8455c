import { readFileSync } from "node:fs";
import { parseDocument } from "htmlparser2";
import { describe, expect, it } from "vitest";
import { svgOf } from "../../scripts/recording.ts";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

describe("a recording of a terminal", () => {
  const svg = svgOf("npx thing", [
    { at: 1, text: "one \u001b[33mgold\u001b[39m & <more>\r\n" },
    { at: 2, text: "10 %" },
    { at: 2.1, text: "\r\u001b[2K11 %" },
    { at: 3, text: "\r\u001b[2K50 %" },
    { at: 4, text: "\r\u001b[2Kdone\r\nlast\r\n" },
  ]);

  it("shows each row from the time at which it came, and a row that changes as it stood at each time", () => {
    expect(textsOf(svg)).toEqual(["$ npx thing", "one gold & <more>", "11 %", "50 %", "done", "last"]);
    // The end is shown for six seconds more.
    expect(svg).toContain("@keyframes k1{0%{opacity:0}10.0%{opacity:1}}");
    expect(svg).toContain("@keyframes k2{0%{opacity:0}20.0%{opacity:1}30.0%{opacity:0}}");
    expect(svg).toMatch(/<tspan style="fill:#e3b341">gold<\/tspan>/);
  });

  it("is the last screen where nothing moves", () => {
    const hidden = [...svg.matchAll(/<text id="t(\d+)" class="f"/g)].map(([, index]) => Number(index));
    expect(hidden).toEqual([2, 3]);
  });
});

describe("docs/demo.svg", () => {
  const svg = read("docs/demo.svg");

  it("is small, runs no script and fetches nothing", () => {
    expect(Buffer.byteLength(svg)).toBeLessThan(20_000);
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(
      /<script|https?:|href|url\(|on\w+=/,
    );
  });

  it("tells what afk demo tells, with a bill below the cap, and stands first in the README", () => {
    const text = textsOf(svg).join("\n");
    const [, bill] = /bill +\$(\d\.\d{4})/.exec(text) ?? [];
    const [, charged] = /charged +\$(\d\.\d{4})/.exec(text) ?? [];
    expect(Number(bill)).toBeGreaterThan(0.9);
    expect(Number(bill)).toBeLessThanOrEqual(Number(charged));
    expect(Number(charged)).toBeLessThanOrEqual(1);
    expect(text).toMatch(/refused unsent[\s\S]*touch STOP[\s\S]*Cut off after \d+ ms[\s\S]*never passed/);
    expect(read("README.md")).toMatch(/^# afk\n\n!\[[^\]]+\]\(docs\/demo\.svg\)\n\n +npm ci && npx afk demo/);
  });
});

function textsOf(svg: string): string[] {
  const root = parseDocument(svg, { xmlMode: true });
  const of = (node: unknown): string => {
    const { data = "", children = [] } = node as { data?: string; children?: unknown[] };
    return data + children.map(of).join("");
  };
  const found: string[] = [];
  const walk = (node: unknown) => {
    const { name, children = [] } = node as { name?: string; children?: unknown[] };
    if (name === "text") found.push(of(node));
    else for (const child of children) walk(child);
  };
  walk(root);
  return found;
}
