// @module-tag processes
import { cpSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { deployment, ollama, PROCESSES } from "../support/afk.ts";
import { gitRepository } from "../support/git-repository.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/agent", import.meta.url));

it(
  "mends a file of a repository by a model of this machine, and gives a patch that git takes",
  PROCESSES,
  async () => {
    const server = await ollama();
    server.otherwise({ type: "reply", text: "```\n# Notes\n\nThis is the text.\n```" });
    const target = deployment();
    cpSync(EXAMPLE, target.dir, { recursive: true });
    const shipped = readFileSync(join(EXAMPLE, "afk.yaml"), "utf8");
    target.configure(shipped.replace("http://localhost:11434", server.url));
    const repository = gitRepository(
      { "README.md": "# Notes\n\nThis are the text.\n" },
      join(target.dir, "repo"),
    );
    const path = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    const checked = await target.afk(["doctor", "--json"], path);
    expect(checked.stdout).toContain("every command that jobs start is there");

    const ended = await target.afk(["tick"], path);
    expect(ended.code, ended.stderr).toBe(0);
    expect(server.requests).toHaveLength(1);
    const [[name, patch] = ["", ""]] = Object.entries(target.outputs());
    expect(name).toMatch(/^mend-\d{4}-\d{2}-\d{2}.*\.patch$/);
    expect(patch).toContain("-This are the text.\n+This is the text.\n");
    expect(repository.git("status", "--porcelain")).toBe("");
    repository.git("apply", join(target.state, "out", name));
    expect(readFileSync(join(repository.path, "README.md"), "utf8")).toBe("# Notes\n\nThis is the text.\n");
    expect(target.query("select job_name, state, cost_micros from ledger")).toEqual([
      { job_name: "mend", state: "settled", cost_micros: 0 },
    ]);

    // Nothing is left to mend: worth nothing, and no patch.
    repository.commit({});
    const again = await target.afk(["tick", "--now", "mend"], path);
    expect(again.code, again.stderr).toBe(0);
    expect(Object.keys(target.outputs())).toEqual([name]);
    const last = target.logs().findLast(({ event }) => event === "job_done");
    expect(last).toMatchObject({
      units: 0,
      summary: expect.stringMatching(/^changed nothing; 1 request for \$0/),
    });
  },
);
