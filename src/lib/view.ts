import { toIso } from "./clock.ts";

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type InstantColumn = `${string}_at` | `${string}_since`;

/** A row as commands print it: names in camel case, instants (`…_at`, `…_since`) in ISO 8601, UTC. */
export type View<Row> = {
  [Name in keyof Row & string as CamelCase<Name>]: Name extends InstantColumn
    ? string | Exclude<Row[Name], number>
    : Row[Name];
};

/** Makes a view of a row of the database. */
export function viewOf<Row extends object>(row: Row): View<Row> {
  const fields = Object.entries(row).map(([name, value]) => [
    name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    /_(at|since)$/.test(name) && value !== null ? toIso(value) : value,
  ]);
  return Object.fromEntries(fields) as View<Row>;
}
