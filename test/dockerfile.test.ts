import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = new URL("../", import.meta.url);
const read = (name: string) => readFileSync(fileURLToPath(new URL(name, ROOT)), "utf8");
const text = read("Dockerfile");
const code = text.replace(/^#.*\n/gm, "").replace(/\\\n/g, " ");
const stages = code.split(/^(?=FROM )/m).slice(1);
const last = stages.at(-1) ?? "";

describe("the Dockerfile", () => {
  test("pulls nothing but the base image, which can be another", () => {
    expect(code).toMatch(/^ARG BASE=node:24-trixie-slim$/m);
    expect(code).toMatch(/^ARG BUILD_BASE=\$\{BASE\}$/m);
    const base = /^FROM (?:--platform=\$BUILDPLATFORM \$\{BUILD_BASE\}|\$\{BASE\})/;
    for (const image of stages) expect(image).toMatch(base);
    expect(text).not.toMatch(/^#\s*(?:syntax|check)\s*=/im);
  });

  test("uses only what BuildKit of engine 20.10 knows", () => {
    expect(code).not.toMatch(
      /<<-?['"]?EOF|COPY --link|ADD --(?:link|checksum|keep-git-dir)|--exclude=|--parents/,
    );
    expect(code).not.toMatch(/RUN --(?:network|security|device)=/);
  });

  test("gives secrets to the one step that needs them, and keeps the cache out of the image", () => {
    const steps = code.split("\n").filter((line) => line.includes("type=secret"));
    expect(steps).toHaveLength(1);
    expect(steps[0]).toContain("npm ci --ignore-scripts");
    expect(steps[0]).toContain("--mount=type=cache,target=/root/.npm");
    expect(steps[0]).not.toContain("required");
    expect(code).not.toMatch(/(?:ARG|ENV) .*(?:TOKEN|PASSWORD|SECRET)/);
  });

  test("ends as the user 1000, with afk as the program", () => {
    expect(last.match(/^USER .*/gm)).toEqual(["USER 1000:1000"]);
    expect(last).toContain('ENTRYPOINT ["afk"]');
    expect(last).toContain("STOPSIGNAL SIGTERM");
    expect(last).toMatch(/HEALTHCHECK .*CMD \["afk", "health"\]/);
    expect(last).not.toMatch(/^VOLUME/m);
  });

  test("labels the image with the version and licence of package.json", () => {
    const { version, license, description } = JSON.parse(read("package.json"));
    expect(last).toContain(`ARG VERSION=${version}\n`);
    expect(last).toContain(`org.opencontainers.image.licenses="${license}"`);
    expect(last).toContain(`org.opencontainers.image.description="${description}"`);
  });
});

test("the engine is sent what the image is made of, and nothing else of the folder", () => {
  const rules = read(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(rules[0]).toBe("*");
  const sent = rules.slice(1).map((rule) => rule.replace(/^!/, ""));
  expect(rules.slice(1).every((rule) => rule.startsWith("!"))).toBe(true);
  const copied = [...code.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = ""]) =>
    names.split(" "),
  );
  expect(sent.sort()).toEqual(copied.sort());
  const there = readdirSync(fileURLToPath(ROOT));
  for (const name of sent) expect(there).toContain(name);
});
