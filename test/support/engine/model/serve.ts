import type { ServerResponse } from "node:http";
import type { Behaviour } from "../../../../src/faults/model-answers.ts";
import {
  type ModelEndpoint,
  type RecordedRequest,
  startModelEndpoint,
} from "../../../../src/faults/model-endpoint.ts";
import {
  addModel,
  append,
  fullName,
  models,
  REQUEST_FILE,
  readBehaviours,
  type StandInBehaviour,
  TRAFFIC_FILE,
  takeBehaviour,
} from "./state.ts";

/** `ollama serve`: the server of the other tests, with models that can be pulled. Ends on SIGTERM. */
export async function serve(): Promise<void> {
  const [host = "127.0.0.1", port = "11434"] = (process.env.OLLAMA_HOST ?? "").split(":");
  const server: ModelEndpoint = await startModelEndpoint("ollama", {
    host,
    port: Number(port),
    onConnection: (socket) => {
      append(TRAFFIC_FILE, { bytes: 0 });
      socket.on("data", (chunk) => append(TRAFFIC_FILE, { bytes: chunk.length }));
    },
    onRequest: (request) => {
      const { method, path, body } = request;
      append(REQUEST_FILE, { method, path, body });
      if (method === "POST" && path === "/api/chat") server.script([behaviourFor(request)]);
    },
    answer,
  });
  process.stdout.write(`Listening on ${host}:${port}\n`);
  // PID 1 of a container dies of no signal that it does not handle.
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void server.close().then(() => process.exit(0)));
  }
}

function behaviourFor(request: RecordedRequest): Behaviour {
  const model = fullName(String(request.json.model));
  if (!models().includes(model)) {
    return { type: "error", status: 404, message: `model '${model}' not found` };
  }
  return playable(takeBehaviour());
}

function playable(behaviour: StandInBehaviour): Behaviour {
  if (behaviour.type !== "die") return behaviour;
  const gate = async (piece: number) => {
    if (piece >= behaviour.pieces) process.exit(1);
  };
  return { type: "slow", gate };
}

/** What Ollama answers besides the calls of a model. */
function answer({ method, path, json }: RecordedRequest, response: ServerResponse): boolean {
  const reply = (...lines: Record<string, unknown>[]) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return true;
  };
  switch (`${method} ${path}`) {
    case "GET /":
      response.end("Ollama is running");
      return true;
    case "GET /api/version":
      return reply({ version: "0.34.2" });
    case "GET /api/tags":
      return reply({
        models: models().map((name) => ({ name, model: name, size: 1, digest: "0".repeat(64) })),
      });
    case "POST /api/pull":
      if (readBehaviours().refusesPulls) return reply({ error: "pull model manifest: no such host" });
      addModel(String(json.model ?? json.name));
      return reply({ status: "pulling manifest" }, { status: "success" });
    default:
      return false;
  }
}
