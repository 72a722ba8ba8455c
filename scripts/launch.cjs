#!/usr/bin/env node
// Starts the bundle, afk.js beside this file. Node's own cache of compiled code holds what is compiled as a file is loaded;
// the functions that a command then calls are compiled anew in every process, and that is a third of a short command's
// time. So the image carries in the folder `code`, for each command that is run often, what V8 had compiled by the end of an
// earlier run of it, made with AFK_CODE=write while the image is built. Of each command by itself, since reading compiled
// code takes as long as it is large; the others start with what a tick needs. V8 refuses what does not fit its version,
// flags and processor, and compiles; and where there is no such folder, as in the npm package, Node loads the bundle as it
// loads everything.
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { Script } = require("node:vm");

const isWriting = process.env.AFK_CODE === "write";
const command = process.argv.slice(2).find((word) => /^[a-z]+$/.test(word)) ?? "tick";
const CODE = [command, "tick"].map(folderOf).find((folder) => isWriting || existsSync(folder));
const modules = new Map();

if (isWriting) process.on("exit", writeCode);
if (CODE !== undefined) load("./afk.js");
else require("./afk.js");

/** What the bundle's files are given as `require`. Names of its own files change with what is in them. */
function load(id) {
  if (!id.startsWith("./")) return require(id);
  const known = modules.get(id);
  if (known !== undefined) return known.exports;
  const filename = join(__dirname, id);
  // The build leaves only ASCII in the files.
  const source = readFileSync(filename, "latin1");
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename,
    cachedData: codeOf(id),
  });
  const module = { exports: {}, script };
  modules.set(id, module);
  script.runInThisContext().call(module.exports, module.exports, load, module, filename, __dirname);
  return module.exports;
}

function folderOf(command) {
  return join(__dirname, "code", command);
}

function codeOf(id) {
  try {
    return readFileSync(join(CODE, `${id}.code`));
  } catch {
    return undefined;
  }
}

function writeCode() {
  mkdirSync(CODE, { recursive: true });
  for (const [id, { script }] of modules) writeFileSync(join(CODE, `${id}.code`), script.createCachedData());
}
