import { parse } from "yaml";
import { render } from "./folder.ts";

/** What cloud-init is told, as far as the tests look at it. */
export interface CloudConfig {
  ssh_pwauth: boolean;
  timezone: string;
  packages: string[];
  swap: { size: number };
  runcmd: string[][];
  write_files: { path: string; content: string; encoding?: string; permissions?: string }[];
}

export interface UserData {
  /** The text that Oracle gets. */
  text: string;
  cloud: CloudConfig;
  /** Content of each file that it writes, decoded, by path. */
  files: Map<string, string>;
}

/** Renders the user data with ./render and reads it as cloud-init does. Throws what ./render says. */
export async function userData(...args: string[]): Promise<UserData> {
  const { code, stdout: text, stderr } = await render(...args);
  if (code !== 0) throw new Error(stderr);
  const cloud = parse(text) as CloudConfig;
  const files = cloud.write_files.map(({ path, content, encoding }): [string, string] => [
    path,
    encoding === "b64" ? Buffer.from(content, "base64").toString() : content,
  ]);
  return { text, cloud, files: new Map(files) };
}
