import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Behaviour } from "../../../../src/faults/model-answers.ts";

/** What the stand-in keeps in /root/.ollama, where Ollama keeps its models: a volume that outlives its containers. */
const FOLDER = "/root/.ollama";
const MODELS = join(FOLDER, "models", "manifests", "registry.ollama.ai", "library");
const OWN = join(FOLDER, "stand-in");
const BEHAVIOURS = join(OWN, "behaviours.json");
/** Every request, one JSON object a line: {at, method, path, body}. */
export const REQUEST_FILE = join(OWN, "requests.jsonl");
/** Every connection (0 bytes) and every piece that arrived on one, before anything is made of it: {at, bytes}. */
export const TRAFFIC_FILE = join(OWN, "traffic.jsonl");

/** `die` ends the server's process after this many pieces of the reply. */
export type StandInBehaviour = Behaviour | { type: "die"; pieces: number };

export interface Behaviours {
  /** For the next calls of the model, in order. */
  next: StandInBehaviour[];
  /** For all after them. */
  otherwise: StandInBehaviour;
  /** The server refuses to pull models, as it would without the network. */
  refusesPulls: boolean;
}

const PLAIN: Behaviours = { next: [], otherwise: { type: "reply" }, refusesPulls: false };

/** What is not given is as it was. */
export function setBehaviours(change: Partial<Behaviours>): void {
  const behaviours = { ...readBehaviours(), ...change };
  mkdirSync(OWN, { recursive: true });
  const unfinished = `${BEHAVIOURS}.${process.pid}`;
  writeFileSync(unfinished, JSON.stringify(behaviours));
  renameSync(unfinished, BEHAVIOURS);
}

export function readBehaviours(): Behaviours {
  return existsSync(BEHAVIOURS) ? { ...PLAIN, ...JSON.parse(readFileSync(BEHAVIOURS, "utf8")) } : PLAIN;
}

export function takeBehaviour(): StandInBehaviour {
  const { next, otherwise } = readBehaviours();
  const [first, ...rest] = next;
  if (first === undefined) return otherwise;
  setBehaviours({ next: rest });
  return first;
}

export function append(file: string, line: Record<string, unknown>): void {
  mkdirSync(OWN, { recursive: true });
  appendFileSync(file, `${JSON.stringify({ at: Date.now(), ...line })}\n`);
}

/** `qwen2.5` is `qwen2.5:latest`. */
export function fullName(name: string): string {
  return name.includes(":") ? name : `${name}:latest`;
}

export function addModel(name: string): void {
  const [family = "", tag = ""] = fullName(name).split(":");
  mkdirSync(join(MODELS, family), { recursive: true });
  writeFileSync(join(MODELS, family, tag), "{}\n");
}

export function models(): string[] {
  if (!existsSync(MODELS)) return [];
  return readdirSync(MODELS).flatMap((family) =>
    readdirSync(join(MODELS, family)).map((tag) => `${family}:${tag}`),
  );
}
