import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "../../../support/temp.ts";

const PAGE = fileURLToPath(new URL("../../../../docs/gateway.md", import.meta.url));
const FENCE = /^```(\w+) client=(\S+)(?: file=(\S+))?\n([\s\S]*?)^```$/gm;
/** The address that the page shows. */
const ADDRESS = "http://127.0.0.1:4236";
const PATIENCE_MS = 120_000;

/** A block of docs/gateway.md that its reader copies. `file`: where it belongs, in the reader's home. */
export interface Block {
  language: string;
  client: string;
  file: string | null;
  content: string;
}

export function readBlocks(): Block[] {
  return [...readFileSync(PAGE, "utf8").matchAll(FENCE)].map(
    ([, language = "", client = "", file, content = ""]) => ({
      language,
      client,
      file: file ?? null,
      content,
    }),
  );
}

export interface BlockOptions {
  /** Folders of programs, in front of all others. */
  path: string[];
  /** With the modules that programs in JavaScript import; null for none. */
  modules: string | null;
  url: string;
  key: string;
}

/** Does with the blocks of these clients, in this order, what the page's reader would do in one shell, in a new home. Gives what was shown. */
export async function runBlocks(clients: string[], options: BlockOptions): Promise<string> {
  const home = tempDir();
  if (options.modules !== null)
    symlinkSync(join(options.modules, "node_modules"), join(home, "node_modules"));
  const blocks = clients.flatMap((client) => readBlocks().filter((block) => block.client === client));
  const lines = blocks.map((block, index) =>
    step(home, { ...block, content: pointed(block, options.url) }, index),
  );
  const script = join(home, "blocks.sh");
  writeFileSync(script, `set -eu\n${lines.join("\n")}\n`);
  chmodSync(script, 0o700);
  const env = {
    PATH: [...options.path, dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: home,
    LANG: "C.UTF-8",
    AFK_KEY: options.key,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  return await new Promise((resolve, reject) => {
    const child = execFile(
      "sh",
      [script],
      { cwd: home, env, timeout: PATIENCE_MS },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      },
    );
    child.stdin?.end();
  });
}

function pointed({ content }: Block, url: string): string {
  return content.replaceAll(ADDRESS, url);
}

/** The line of the script that does what the block is for. */
function step(home: string, { language, file, content }: Block, index: number): string {
  const write = (name: string) => {
    mkdirSync(join(home, name, ".."), { recursive: true });
    writeFileSync(join(home, name), content);
    return name;
  };
  if (file !== null) return `# ${write(file)}`;
  if (language === "sh") return content;
  if (language === "python") return `python3 ${write(`block-${index}.py`)}`;
  if (language === "js") return `node ${write(`block-${index}.mjs`)}`;
  throw new Error(`a block in ${language} has no file, and cannot be run`);
}
