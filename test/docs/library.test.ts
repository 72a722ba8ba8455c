// @module-tag processes
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildBundle, buildTypes } from "../../scripts/build.ts";
import { runNode } from "../support/run-node.ts";

/** The programs of docs/library.md, with the package as it is built. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(join(ROOT, "docs/library.md"), "utf8");
const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language = "", code = ""]) => ({
  language,
  code,
}));
const yaml = blocks.find(({ language }) => language === "yaml")?.code ?? "";
const programs = blocks.filter(({ language, code }) => language === "ts" && code.includes('"afk-agent"'));
const kind = blocks.find(({ code }) => code.includes('"afk-agent/jobs"'))?.code ?? "";

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "afk-library-"));
  const own = join(folder, "node_modules/afk-agent");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "package.json"), readFileSync(join(ROOT, "package.json")));
  await buildBundle(join(own, "dist"));
  await buildTypes(join(own, "dist"));
  symlinkSync(join(ROOT, "node_modules/better-sqlite3"), join(folder, "node_modules/better-sqlite3"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EXPECTED = ["Friday", "2 found", "no room in the cap of the day", "ok 2 2"];

describe("docs/library.md", { timeout: 60_000 }, () => {
  test("has a program for each thing that is expected of one", () => {
    expect(programs).toHaveLength(EXPECTED.length);
  });

  test.each(EXPECTED.map((output, index) => [output, index] as const))(
    "has a program that prints %j",
    async (output, index) => {
      const at = place(`program-${index}`, yaml);
      writeFileSync(join(at, "program.ts"), programs[index]!.code);
      const { code, stdout, stderr } = await runNode("program.ts", [], {}, at);
      expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(output);
    },
  );

  test("has a kind of job that afk runs", async () => {
    const job = "jobs: [{ name: loud, kind: shout, every: 1h, text: hello }]\nkinds: [./kinds/shout.ts]\n";
    const at = place("kind", yaml.replace(/^jobs:.*/ms, job));
    mkdirSync(join(at, "kinds"));
    writeFileSync(join(at, "kinds/shout.ts"), kind);
    const ended = await runNode(join(folder, "node_modules/afk-agent/dist/main.js"), ["tick"], {}, at);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain("one line");
  });

  test("has programs that compile in strict TypeScript", async () => {
    const at = place("types", yaml);
    const files = [...programs.map(({ code }) => code), kind].map((code, index) => {
      writeFileSync(join(at, `${index}.ts`), code);
      return `${index}.ts`;
    });
    const compilerOptions = {
      ...{
        strict: true,
        noEmit: true,
        module: "nodenext",
        target: "es2023",
        lib: ["es2023"],
        types: ["node"],
      },
      typeRoots: [join(ROOT, "node_modules/@types")],
    };
    writeFileSync(join(at, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const ended = await runNode(join(ROOT, "node_modules/typescript/bin/tsc"), ["-p", at]);
    expect(ended.stdout).toBe("");
    expect(ended.code).toBe(0);
  });
});

function place(name: string, config: string): string {
  const at = join(folder, name);
  mkdirSync(at);
  writeFileSync(join(at, "afk.yaml"), config);
  return at;
}
