import { createRequire } from "node:module";
import { read, terraformFiles } from "./folder.ts";

// Required, not imported: its types would bring the browser's globals into every file that is checked with this one.
const { parse } = createRequire(import.meta.url)("@cdktf/hcl2json") as {
  parse: (filename: string, contents: string) => Promise<unknown>;
};

/** A block of HCL as hcl2json gives it: nested blocks are arrays, expressions are strings in ${…}. */
export type Block = { [name: string]: unknown };

export interface Hcl {
  variables: Map<string, Block>;
  outputs: Map<string, Block>;
  /** By "type.name". */
  resources: Map<string, Block>;
  /** By "type.name". */
  data: Map<string, Block>;
  locals: Block;
  terraform: Block;
}

/** All .tf files of the folder, as one. */
export async function parseFolder(): Promise<Hcl> {
  const hcl: Hcl = {
    variables: new Map(),
    outputs: new Map(),
    resources: new Map(),
    data: new Map(),
    locals: {},
    terraform: {},
  };
  for (const name of terraformFiles) {
    const file = (await parse(name, read(name))) as Record<string, never>;
    collect(file.variable, hcl.variables);
    collect(file.output, hcl.outputs);
    collectTyped(file.resource, hcl.resources);
    collectTyped(file.data, hcl.data);
    for (const block of (file.locals ?? []) as Block[]) Object.assign(hcl.locals, block);
    for (const block of (file.terraform ?? []) as Block[]) Object.assign(hcl.terraform, block);
  }
  return hcl;
}

/** The nested blocks of a name; none is an empty list. */
export const blocks = (of: Block, name: string): Block[] => (of[name] ?? []) as Block[];

/** The only nested block of a name. */
export function block(of: Block, name: string): Block {
  const [first, ...more] = blocks(of, name);
  if (first === undefined || more.length > 0) throw new Error(`expected one block ${name}`);
  return first;
}

function collect(named: Record<string, Block[]> | undefined, into: Map<string, Block>): void {
  for (const [name, [first]] of Object.entries(named ?? {})) into.set(name, first as Block);
}

function collectTyped(
  typed: Record<string, Record<string, Block[]>> | undefined,
  into: Map<string, Block>,
): void {
  for (const [type, named] of Object.entries(typed ?? {})) {
    for (const [name, [first]] of Object.entries(named)) into.set(`${type}.${name}`, first as Block);
  }
}
