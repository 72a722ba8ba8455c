import { request } from "node:http";

/** The commands of `ollama` that ask its server. They throw, and so end with 1, when it does not answer or says no. */
export async function pullModel(name: string): Promise<void> {
  const lines = await ask("POST", "/api/pull", { model: name });
  for (const line of lines) {
    const { status, error } = JSON.parse(line) as { status?: string; error?: string };
    if (error !== undefined) throw new Error(error);
    process.stderr.write(`${status}\n`);
  }
}

export async function listModels(): Promise<void> {
  process.stdout.write("NAME    ID    SIZE\n");
  for (const { name, digest, size } of await models()) {
    process.stdout.write(`${name}    ${digest.slice(0, 12)}    ${size} B\n`);
  }
}

export async function showModel(name: string): Promise<void> {
  const model = (await models()).find((candidate) => candidate.name === name);
  if (model === undefined) throw new Error(`model '${name}' not found`);
  process.stdout.write(`${model.name}    ${model.digest.slice(0, 12)}\n`);
}

async function models(): Promise<{ name: string; digest: string; size: number }[]> {
  const [reply = "{}"] = await ask("GET", "/api/tags");
  return JSON.parse(reply).models;
}

/** Gives the lines of the answer. OLLAMA_HOST is where the server listens: 0.0.0.0 is asked at 127.0.0.1. */
function ask(method: string, path: string, body?: Record<string, unknown>): Promise<string[]> {
  const [host = "", port = "11434"] = (process.env.OLLAMA_HOST ?? "127.0.0.1:11434")
    .replace(/^https?:\/\//, "")
    .split(":");
  const hostname = host === "0.0.0.0" || host === "" ? "127.0.0.1" : host;
  return new Promise((resolve, reject) => {
    const message = request({ hostname, port, method, path }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
      });
      response.on("end", () => resolve(text.split("\n").filter(Boolean)));
      response.on("error", reject);
    });
    message.once("error", reject);
    message.end(body === undefined ? "" : JSON.stringify(body));
  });
}
