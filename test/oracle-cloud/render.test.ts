// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform and afk.yaml write names in this form.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { folder, render, run } from "./folder.ts";
import { secretLines } from "./secret-lines.ts";

const work = mkdtempSync(join(tmpdir(), "afk-render-"));
afterAll(() => rmSync(work, { recursive: true }));

test("fills in every name and leaves none", async () => {
  const { code, stdout } = await render("--image", "ghcr.io/owner/afk:0.1.0", "--reboot-time", "23:59");
  expect(code).toBe(0);
  expect(stdout).toContain("image='ghcr.io/owner/afk:0.1.0'");
  expect(stdout).toContain("model='qwen2.5:3b'");
  expect(stdout).toContain('Automatic-Reboot-Time "23:59"');
  expect(stdout).not.toContain("${");
});

test("says how it is used", async () => {
  const { code, stdout } = await render("--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^usage: render --image IMAGE/);
});

test.each<[string, string[], RegExp]>([
  ["nothing", [], /tag or a digest/],
  ["an image without a tag", ["--image", "ghcr.io/owner/afk"], /tag or a digest/],
  ["an image that ends the quotes", ["--image", "afk:1';reboot;'"], /tag or a digest/],
  ["an image of two lines", ["--image", "afk:1\nreboot:1"], /tag or a digest/],
  ["a model that ends the quotes", ["--image", "afk:1", "--model", "a'b"], /name that Ollama knows/],
  ["a time that is none", ["--image", "afk:1", "--reboot-time", "7"], /HH:MM/],
  ["a start without everything", ["--image", "afk:1", "--start-without", "all"], /alerts, drills or/],
  ["a flag without its value", ["--image"], /--image needs a value/],
  ["a flag that it does not know", ["--imago", "x"], /unknown argument/],
  ["a file that is not there", ["--image", "afk:1", "--config", "/nothing.yaml"], /cannot read/],
  [
    "a model that the configuration does not name",
    ["--image", "afk:1", "--model", "x"],
    /does not name ollama\/x/,
  ],
])("refuses %s and prints no user data", async (_name, args, message) => {
  expect(await render(...args)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(message),
  });
});

const path = join(work, "mine.yaml");
const CHAIN = "chain: [ollama/qwen2.5:3b]\n";

test.each(secretLines)("refuses a configuration with %s", async (_name, line) => {
  writeFileSync(path, `${CHAIN}${line}\n`);
  const message = expect.stringContaining("write ${NAME} in the file");
  expect(await render("--image", "afk:1", "--config", path)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: message,
  });
});

test("takes a configuration that names its secrets only", async () => {
  writeFileSync(path, `${CHAIN}openai: { api_key: "\${OPENAI_API_KEY}" }\nmax_output_tokens: 512\n`);
  expect(await render("--image", "afk:1", "--config", path)).toMatchObject({ code: 0, stderr: "" });
});

test("is a plain shell script", async () => {
  expect(await run("sh", ["-n", `${folder}render`])).toMatchObject({ code: 0, stderr: "" });
});
