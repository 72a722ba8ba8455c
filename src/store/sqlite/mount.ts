/**
 * The file system that holds `dir`, from proc(5)'s mountinfo: the longest mount point that leads to it, and of those the last,
 * which covers the ones before. Touches no file.
 */
export function mountOf(dir: string, mountInfo: string): { point: string; type: string } {
  let best = { point: "", type: "unknown" };
  for (const line of mountInfo.split("\n")) {
    const fields = line.split(" ");
    const mark = fields.indexOf("-");
    const [written, type] = [fields[4], mark === -1 ? undefined : fields[mark + 1]];
    if (written === undefined || type === undefined) continue;
    // Spaces and the like are written in octal.
    const point = written.replace(/\\(\d{3})/g, (_all, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    const leadsTo = point === "/" || dir === point || dir.startsWith(`${point}/`);
    if (leadsTo && point.length >= best.point.length) best = { point, type };
  }
  return best;
}
