import { lstatSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import type { Config } from "../config/config.ts";
import type { Target } from "../config/deliver.ts";
import type { Paths } from "../config/locations.ts";
import { messageOf, systemCode } from "../lib/errors.ts";
import { folderObstacle, OUTPUT_NAME, type OutputFile } from "../queue/publish.ts";
import { makeFolder, syncPath, writeDurably, writeTemporary } from "../store/durable-file.ts";
import { atomFeed } from "./forms/feed.ts";
import { htmlDocument } from "./forms/html.ts";
import { plainText } from "./forms/text.ts";
import { webhookPayload } from "./forms/webhook.ts";
import type { Result } from "./result.ts";

/** The name of the feed in `out/`. */
const FEED_FILE = "feed.xml";

type FileTarget = Extract<Target, { type: "file" }>;
/** Where afk's own files lie, which no copy replaces: a run says what its files are called. */
type Own = Pick<
  Paths,
  "base" | "state" | "out" | "logs" | "runs" | "homes" | "repos" | "configFile" | "stopFile"
>;

/**
 * Writes a result where its owner wants a copy: into a folder the run's files by their names, or as one file, whose ending says
 * in which form. Each is replaced as a whole. Missing folders are made beside afk.yaml alone: elsewhere a disk may be away.
 * @throws Error with what is in the way, for people.
 */
export async function writeCopy(
  target: FileTarget,
  result: Result,
  files: readonly OutputFile[],
  own: Own,
): Promise<void> {
  const obstacle = await fileObstacle(target, own);
  if (obstacle !== null) throw new Error(obstacle);
  const folder = folderOf(target);
  if (!isThere(folder)) makeFolder(folder);
  const copies = target.isFolder
    ? inFolder(result, files)
    : [{ name: basename(target.path), content: asOne(extname(target.path).toLowerCase(), result, files) }];
  for (const { name, content } of copies) {
    const inPlace = replacedBy(join(folder, name), own);
    if (inPlace !== null) throw new Error(inPlace);
    try {
      writeDurably(join(folder, name), content, "shared");
    } catch (error) {
      throw new Error(`${join(folder, name)} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** Why a copy could not be written now, in words; null when nothing is in the way. Makes nothing. */
export async function fileObstacle(target: FileTarget, own: Own): Promise<string | null> {
  const folder = folderOf(target);
  const obstacle = await folderObstacle(folder);
  if (obstacle !== null) return `${folder}: ${obstacle}`;
  if (isOwn(realOf(folder), own))
    return `${target.path} is among afk's own files; write a folder of its own, for example ${join(own.state, "copies")}/`;
  if (isThere(folder)) return target.isFolder ? null : replacedBy(target.path, own);
  return isBelow(folder, own.base) || isBelow(folder, own.state)
    ? null
    : `there is no folder ${folder}; make it, or mend path in afk.yaml`;
}

/** The state itself, and what afk keeps in folders there; another folder in it is the owner's. */
function isOwn(folder: string, { state, out, logs, runs, homes, repos }: Own): boolean {
  const own = [out, logs, runs, homes, repos].map(realOf);
  return folder === realOf(state) || own.some((each) => folder === each || isBelow(folder, each));
}

/** Why what is at a path is not replaced; null where it may be, or where nothing is. A link is replaced, and not followed. */
function replacedBy(path: string, { configFile, stopFile }: Own): string | null {
  const place = (file: string) => join(realOf(dirname(file)), basename(file));
  if ([configFile, stopFile].some((file) => place(file) === place(path)))
    return `${path} is afk's own file; mend path in afk.yaml`;
  const there = lstatSync(path, { throwIfNoEntry: false });
  const isLink = there?.isSymbolicLink() ?? false;
  if ((isLink ? statSync(path, { throwIfNoEntry: false }) : there)?.isDirectory())
    return `${path} is a folder; end the path with / to have the files in it`;
  // A device, say.
  return there === undefined || isLink || there.isFile() ? null : `${path} is no file, and is not replaced`;
}

function folderOf({ path, isFolder }: FileTarget): string {
  return isFolder ? path : dirname(path);
}

/** Where a path leads once links are followed; the path itself where nothing is there. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (systemCode(error) === "") throw error;
    return path;
  }
}

/** Writes the feed of all results into `out/`. Its temporary file lies in the state: what is unfinished in `out/` gets swept. */
export function writeFeed(results: readonly Result[], config: Config, nowMs: number): void {
  const { out, state } = config.paths;
  makeFolder(out);
  const temporary = writeTemporary(state, feedText(results, config, nowMs));
  try {
    renameSync(temporary, join(out, FEED_FILE));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncPath(out);
}

/** The feed as it is served, too. */
export function feedText(
  results: readonly Result[],
  { agent, dashboard }: Pick<Config, "agent" | "dashboard">,
  nowMs: number,
): string {
  const url = dashboard.url === null ? null : new URL(FEED_FILE, dashboard.url).href;
  return atomFeed(results, { agent, url, nowMs });
}

function inFolder(result: Result, files: readonly OutputFile[]): OutputFile[] {
  // The database says the names, and what is no bare name would lead out of the folder.
  const named = files.filter(({ name }) => OUTPUT_NAME.test(name));
  if (named.length > 0) return named;
  return [
    { name: `${result.job}-${result.label.replace(/[^\w.-]+/g, "-")}.txt`, content: plainText(result) },
  ];
}

/** The run's own file of that form where it has one. */
function asOne(extension: string, result: Result, files: readonly OutputFile[]): string {
  const own = files.find(({ name }) => extname(name).toLowerCase() === extension);
  if (own !== undefined) return own.content;
  if (extension === ".html" || extension === ".htm") return htmlDocument(result);
  if (extension === ".json") return `${JSON.stringify(webhookPayload(result), null, 2)}\n`;
  return plainText(result);
}

function isThere(folder: string): boolean {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    if (systemCode(error) === "") throw error;
    return false;
  }
}

function isBelow(folder: string, base: string): boolean {
  const path = relative(base, folder);
  return path !== "" && path !== ".." && !path.startsWith(`..${sep}`);
}
