import { PLACEHOLDER } from "./document.ts";

/** What is needed of a deployment to find, and if need be to make, what a command of the runbook is about. */
export interface Scene {
  /** `afk` with these words and `--json`; gives what it printed, parsed. */
  ask(words: string[]): Promise<unknown>;
  /** Each leaves one more behind: a dead letter, a call of unknown outcome, a draft, a question about a cap. */
  makeDead(): Promise<void>;
  makeUnknown(): Promise<void>;
  makeDraft(): Promise<void>;
  makeQuestion(): Promise<void>;
  image: string;
  /** A file for a backup, which is not there. */
  file: string;
}

/** The command with what really is there in the place of its placeholder. */
export async function fillIn(text: string, scene: Scene): Promise<string> {
  const name = PLACEHOLDER.exec(text)?.[0];
  if (name === undefined) return text;
  return text.replace(name, await meaningOf(name, text, scene));
}

async function meaningOf(name: string, text: string, scene: Scene): Promise<string> {
  switch (name) {
    case "IMAGE":
      return scene.image;
    case "FILE":
      return scene.file;
    case "UNIT":
      return "afk.service";
    case "TICK": {
      const { lastTick } = (await scene.ask(["status"])) as { lastTick: { id: string } };
      return lastTick.id;
    }
    case "KEY":
      return await first(scene, ["dead"], "key", scene.makeDead);
    case "ID":
      if (text.includes("questions")) return await first(scene, ["questions"], "id", scene.makeQuestion);
      return text.includes("drafts")
        ? await first(scene, ["drafts"], "id", scene.makeDraft)
        : await first(scene, ["ledger", "list", "--unknown"], "id", scene.makeUnknown);
    default:
      throw new Error(`nobody knows what ${name} stands for in: ${text}`);
  }
}

async function first(
  scene: Scene,
  words: string[],
  field: string,
  make: () => Promise<void>,
): Promise<string> {
  const look = async () => ((await scene.ask(words)) as Record<string, string>[])[0]?.[field];
  let found = await look();
  if (found === undefined) {
    await make();
    found = await look();
  }
  if (found === undefined) throw new Error(`\`afk ${words.join(" ")}\` shows nothing, though it was made`);
  return found;
}
