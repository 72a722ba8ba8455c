// @module-tag processes
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { deployment, PROCESSES } from "../support/afk.ts";

const BASE = { agent: "kinds", budget: { daily_cap_usd: 0.5 }, models: { chain: ["extractive"] } };
const JOB = { name: "hello", kind: "reminder", every: "1h", text: "Drink water." };

/** A file as an owner writes it: in a folder of no package, with what afk-agent/jobs gives. */
const REMINDER = `
import { section, text } from "afk-agent/jobs";
export const reminder = {
  kind: "reminder",
  settings: section("Writes a line.", { text: text("What to write.", "write a line of text", /./) }),
  async run({ settings, period, publish }) {
    publish(\`reminder-\${period.label}.md\`, settings.text);
    return { units: 1, summary: "one reminder" };
  },
};
`;

function agent(kinds: unknown, jobs: object[] = [JOB]) {
  return deployment({ ...BASE, kinds, jobs });
}

describe("a kind of job in a file of the owner's", PROCESSES, () => {
  test("is run by the command line, and its settings are checked as those of afk's own", async () => {
    const own = agent(["./kinds/reminder.js"]);
    own.write("kinds/reminder.js", REMINDER);
    expect(await own.afk(["tick"])).toMatchObject({ code: 0 });
    expect(Object.values(own.outputs())).toContain("Drink water.");
    for (const command of ["status", "doctor", "watchdog", "health", "jobs"])
      expect((await own.afk([command])).stderr, command).not.toContain("refused");
    own.configure({ ...BASE, kinds: ["./kinds/reminder.js"], jobs: [{ ...JOB, text: 5 }] });
    const refused = await own.afk(["tick"]);
    expect(refused).toMatchObject({ code: 78 });
    expect(refused.stderr).toContain("jobs[0].text: found 5; write a line of text");
  });

  test("may be TypeScript, a default export, or one of several", async () => {
    const own = agent(["kinds/all.ts"], [JOB, { ...JOB, name: "bye", kind: "second" }]);
    const typed = REMINDER.replace("export const reminder =", "const reminder: object =");
    own.write("kinds/all.ts", `${typed}export default [reminder, { ...reminder, kind: "second" }];\n`);
    expect(await own.afk(["tick"])).toMatchObject({ code: 0 });
    expect(own.events().filter((event) => event === "job_done")).toHaveLength(2);
  });

  test("goes through drill and simulate, where it is not run", async () => {
    const own = agent(["./kinds/reminder.js"]);
    const ran = join(own.dir, "ran");
    const run = REMINDER.replace("publish(", `writeFileSync(${JSON.stringify(ran)}, "");\n    publish(`);
    own.write("kinds/reminder.js", `import { writeFileSync } from "node:fs";\n${run}`);
    expect(await own.afk(["drill", "stop-file"])).toMatchObject({ code: 0 });
    const simulated = await own.afk(["simulate", "--days", "1", "--seed", "1", "--json"]);
    expect(simulated).toMatchObject({ code: 0 });
    expect(JSON.parse(simulated.stdout).days[0].ticks).toBeGreaterThan(0);
    expect(existsSync(ran)).toBe(false);
    expect(await own.afk(["tick"])).toMatchObject({ code: 0 });
    expect(existsSync(ran)).toBe(true);
  });

  test.each([
    ["is not there", "./kinds/none.js", undefined, "there is no file"],
    ["exports no kind", "./kinds/a.js", "export const a = 1;", "exports no kind of job"],
    ["throws when it is loaded", "./kinds/a.js", 'throw new Error("no luck");', "no luck"],
    ["is no JavaScript", "./kinds/a.js", "export const = ;", "kinds[0]: "],
    ["takes a name of afk's own", "./kinds/a.js", REMINDER.replace('"reminder"', '"exec"'), "comes with afk"],
  ])(
    "that %s refuses the configuration, with the way out, and can be stopped",
    async (_what, file, content, words) => {
      const own = agent([file]);
      if (content !== undefined) own.write(file, content);
      const refused = await own.afk(["tick"]);
      expect(refused).toMatchObject({ code: 78 });
      expect(refused.stderr).toContain("kinds[0]: ");
      expect(refused.stderr).toContain(words);
      expect((await own.afk(["watchdog"])).stderr).not.toMatch(/^ {4}at /m);
      expect(await own.afk(["stop"])).toMatchObject({ code: 0 });
    },
  );

  test.each([
    ["a text", "./kinds/a.js"],
    ["a number in the list", [5]],
  ])("%s in its place is refused", async (_what, kinds) => {
    const refused = await agent(kinds).afk(["tick"]);
    expect(refused).toMatchObject({ code: 78 });
    expect(refused.stderr).toContain("write a list of JavaScript modules");
  });

  test("with other code is another configuration for the evidence", async () => {
    const own = agent(["./kinds/reminder.js"]);
    own.write("kinds/reminder.js", REMINDER);
    expect((await own.afk(["release"])).code).toBe(0);
    expect((await own.afk(["doctor", "--offline"])).stdout).toContain(
      "the configuration in use was released",
    );
    own.write("kinds/reminder.js", `${REMINDER}// changed\n`);
    expect((await own.afk(["doctor", "--offline"])).stdout).not.toContain(
      "the configuration in use was released",
    );
  });
});
