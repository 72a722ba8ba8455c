import { existsSync, readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";

const at = (name: string) => new URL(`../${name}`, import.meta.url);
const read = (name: string) => readFileSync(at(name), "utf8");

describe("fly.toml", () => {
  const fly = parse(read("fly.toml")) as Record<string, never>;

  it("has one process, on one machine, with the state on a volume", () => {
    expect(fly.processes).toEqual({ agent: "run --no-gateway" });
    expect(fly.mounts).toMatchObject([{ destination: "/data", processes: ["agent"] }]);
    expect(fly.env).toEqual({ AFK_CONFIG: "/etc/afk/afk.yaml", AFK_STATE: "/data" });
    expect(fly.files).toEqual([{ guest_path: "/etc/afk/afk.yaml", local_path: "afk.yaml" }]);
    expect(fly.vm).toMatchObject([{ memory: "512mb" }]);
  });

  it("opens no way in", () => {
    for (const section of ["services", "http_service", "statics"]) expect(fly).not.toHaveProperty(section);
  });

  it("ends it as the worker wants to be ended, and starts it again after a crash alone", () => {
    expect(fly.kill_signal).toBe("SIGTERM");
    // The worker is gone 10 s after it was told, at the very most.
    expect(fly.kill_timeout).toBeGreaterThanOrEqual(10);
    expect(fly.restart).toEqual([{ policy: "on-failure", retries: 10, processes: ["agent"] }]);
  });

  it("runs the image as its own user, who is the one that ssh is told of", () => {
    const dockerfile = read("Dockerfile");
    expect(dockerfile).toMatch(/^USER 1000:1000$/m);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["afk"\]$/m);
    expect(read("fly.toml")).toContain("fly ssh console -u node -C");
  });
});

describe("docs/where-to-run.md", () => {
  const text = read("docs/where-to-run.md");
  const anchors = [...text.matchAll(/^\| \[[^\]]+\]\(#([\w-]+)\)/gm)].map(([, anchor = ""]) => anchor);
  const sections = new Map(
    text.split(/^## /m).map((section) => {
      const [title = "", ...lines] = section.split("\n");
      return [
        title
          .toLowerCase()
          .replaceAll(/[^\w ]/g, "")
          .replaceAll(" ", "-"),
        lines.join("\n"),
      ];
    }),
  );

  it("says of each place how it is stopped from outside, and what becomes of a call in flight", () => {
    expect(anchors).toEqual([
      ...["a-laptop", "a-spare-mac-with-ollama", "oracle-always-free", "flyio", "a-vps", "serverless"],
    ]);
    for (const place of anchors.filter((each) => each !== "serverless")) {
      expect(sections.get(place), place).toMatch(/\*\*Stopped from outside:\*\* .*`/s);
      expect(sections.get(place), place).toMatch(/\*\*A call in flight\*\* is unknown/);
    }
    expect(sections.get("serverless")).toMatch(/^\nNot supported, and here is why\./);
  });

  it("leads to files and headings that are there", () => {
    for (const [, path = "", anchor] of text.matchAll(/\]\(\.\.\/([^)#]+)(?:#([\w-]+))?\)/g)) {
      expect(existsSync(at(path)), path).toBe(true);
      if (anchor === undefined) continue;
      const titles = [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title);
      const known = titles.map((title) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w -]/g, "")
          .replaceAll(" ", "-"),
      );
      expect(known, path).toContain(anchor);
    }
  });
});
