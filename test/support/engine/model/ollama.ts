import { readFileSync } from "node:fs";
import { listModels, pullModel, showModel } from "./client.ts";
import { serve } from "./serve.ts";
import { REQUEST_FILE, setBehaviours, TRAFFIC_FILE } from "./state.ts";

/**
 * `ollama`, as far as afk's deployment uses it: `serve`, `pull NAME`, `show NAME`, `list`. And `stand-in` for tests:
 * `stand-in requests` and `stand-in traffic` print what has arrived, one JSON object a line, and `stand-in behave JSON`
 * sets what the server does with the next requests (state.ts).
 */
const [command, ...words] = process.argv.slice(2);
switch (command) {
  case "serve":
    await serve();
    break;
  case "pull":
    await pullModel(words[0] ?? "");
    break;
  case "show":
    await showModel(words[0] ?? "");
    break;
  case "list":
  case "ls":
    await listModels();
    break;
  case "stand-in":
    standIn(words[0], words[1]);
    break;
  default:
    throw new Error(`unknown command ${command ?? ""}`);
}

function standIn(verb: string | undefined, text: string | undefined): void {
  if (verb === "behave" && text !== undefined) setBehaviours(JSON.parse(text));
  else if (verb === "requests") process.stdout.write(readText(REQUEST_FILE));
  else if (verb === "traffic") process.stdout.write(readText(TRAFFIC_FILE));
  else throw new Error("usage: ollama stand-in requests|traffic|behave JSON");
}

/** Nothing has arrived as long as there is no file. */
function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
