import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { HOST_DRILL } from "../../src/drill/host-drill.ts";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { type Deployment, deployment } from "../support/afk.ts";
import { actionServer } from "../support/drafting.ts";
import { type Command, readRunbook, wordsOf } from "./document.ts";
import { fillIn, type Scene } from "./placeholders.ts";
import { insertDraft, insertQuestion, sceneYaml } from "./scene-config.ts";

/**
 * Everything in the runbook that needs only afk itself, done in a checkout in the document's order. On a host it is done
 * by test/scenarios/runbook.test.ts.
 */
test("every command of afk does in a checkout what the runbook says", { timeout: 480_000 }, async () => {
  const [model, owner] = [await startModelEndpoint("openai"), await actionServer()];
  onTestFinished(() => model.close());
  model.otherwise({ type: "missingUsage" });
  const target = deployment(
    sceneYaml({
      model: model.url,
      inbox: "./inbox",
      allow: "127.0.0.1",
      channels: `alerts: [{ type: webhook, url: "${owner.origin}/alerts" }]`,
    }),
  );
  target.write("inbox/first.md", "# The first\n\nIt says something.\n");
  const scene = sceneOf(target, `${owner.origin}/draft`);

  const done = new Set<string>();
  for (const command of commandsOfAfk()) {
    const text = await fillIn(command.text, scene);
    // Looks are repeated through the text; one look is enough.
    const look = `${text} ${command.codes}`;
    if (done.has(look) && !CHANGES.test(text)) continue;
    done.add(look);
    const { code, stdout, stderr } = await target.afk(hereWords(text, target.dir), KEY);
    const said = `RUNBOOK.md:${command.line}: ${text} ended with ${code}:\n${stdout}${stderr}`;
    expect(command.codes, said).toContain(code);
    if (existsSync(join(target.state, "afk.db"))) expected(text, target);
  }
  const drafts = owner.received.filter(({ path }) => path === "/draft");
  // Of the draft that was approved and of the one that was rejected, the first alone, and once.
  expect(drafts).toHaveLength(1);
  expect(
    owner.received.filter(({ path }) => path === "/alerts").map(({ body }) => JSON.parse(body).event),
  ).toEqual(expect.arrayContaining(["alert_test", "kill_set", "job_dead", "call_unknown"]));
});

const KEY = { OPENAI_API_KEY: "not-a-real-key" };
const CHANGES = /^afk (?:stop|resume|restore|tick)/;

/** What must be so after a command. */
function expected(text: string, target: Deployment): void {
  const isKilled = target.query("select * from kill_switch where set_at is not null").length > 0;
  if (text.startsWith("afk stop") || /^afk restore \S+$/.test(text)) expect(isKilled, text).toBe(true);
  if (text.startsWith("afk resume")) expect(isKilled, text).toBe(false);
  if (text.startsWith("afk tick")) expect(Object.keys(target.outputs()), text).not.toEqual([]);
  if (text.startsWith("afk questions yes"))
    expect(target.query("select * from cap_grants where question_id = ?", text.split(" ")[3])).toHaveLength(
      1,
    );
  if (text.startsWith("afk ledger reconcile")) {
    const settled = "select * from ledger where id = ? and state = 'settled'";
    expect(target.query(settled, text.split(" ")[3])).toHaveLength(1);
  }
}

/** In the document's order, but that something is set up first, and with what stands in sentences last. */
function commandsOfAfk(): Command[] {
  const { blocks, inline } = readRunbook();
  const inBlocks = blocks.filter((block) => block.notRun === null).flatMap((block) => block.commands);
  const install = inBlocks.filter(({ section }) => section === "Install");
  const rest = inBlocks.filter(({ section }) => section !== "Install");
  return (
    [...install, ...rest, ...inline]
      .map((command) => ({ ...command, text: command.text.replace(/^(?:sudo|npx) afk/, "afk") }))
      // The host's own command does these.
      .filter(({ text }) => /^afk (?!start|@NAME)/.test(text) && `sudo ${text}` !== HOST_DRILL.command)
  );
}

/** Paths of a host are paths in the deployment's folder. */
function hereWords(text: string, dir: string): string[] {
  return wordsOf(text.replaceAll(/ \/root\//g, ` ${dir}/`)).slice(1);
}

function sceneOf(target: Deployment, draftUrl: string): Scene {
  let count = 0;
  /** The document may have set the switch in a sentence before, which nobody has to clear in the next. */
  const tick = async () => {
    await target.afk(["resume"], KEY);
    await target.afk(["tick"], KEY);
  };
  return {
    image: "",
    file: `${target.dir}/by-table.db`,
    async ask(words) {
      const { code, stdout, stderr } = await target.afk([...words, "--json"], KEY);
      expect(code, `afk ${words.join(" ")}: ${stderr}`).toBe(0);
      return JSON.parse(stdout);
    },
    async makeDead() {
      count += 1;
      await target.afk(["enqueue", "broken", "--key", `broken-${count}`], KEY);
      await tick();
    },
    async makeUnknown() {
      count += 1;
      target.write(`inbox/more-${count}.md`, `# Number ${count}\n\nIt says something else.\n`);
      await target.afk(["enqueue", "digest", "--key", `digest-${count}`], KEY);
      await tick();
    },
    makeDraft() {
      count += 1;
      const database = new Database(`${target.state}/afk.db`);
      database.exec(insertDraft(`draft-${count}`, draftUrl));
      database.close();
      return Promise.resolve();
    },
    async makeQuestion() {
      count += 1;
      const run = `asked-${count}`;
      await target.afk(["enqueue", "digest", "--key", run], KEY);
      const database = new Database(`${target.state}/afk.db`);
      database.exec(insertQuestion(`question-${count}`, run));
      database.close();
    },
  };
}
