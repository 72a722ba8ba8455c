import {
  type ColumnDefinitionNode,
  DataTypeNode,
  GeneratedNode,
  type OperationNode,
  PostgresAdapter,
  PostgresQueryCompiler,
  type PrimaryKeyConstraintNode,
} from "kysely";

/** Text sorts by its code points, as in SQLite: ranges of keys rest on that, whatever the database's own locale. */
const TYPES: Record<string, string> = { text: `text collate "C"`, blob: "bytea" };

/** Migrations say their types in SQLite's words. */
export class Compiler extends PostgresQueryCompiler {
  /** Its name would be one of the whole schema, and tables that are made anew under another name have the old one's for a while. */
  protected override visitPrimaryKeyConstraint({ name: _name, ...node }: PrimaryKeyConstraintNode): void {
    super.visitPrimaryKeyConstraint(node);
  }

  /** SQLite numbers the rows of such a column by itself. */
  protected override visitColumnDefinition(node: ColumnDefinitionNode): void {
    const isNumbered = node.primaryKey === true && node.check === undefined && isInteger(node.dataType);
    const generated = GeneratedNode.create({ identity: true, byDefault: true });
    super.visitColumnDefinition(isNumbered ? { ...node, generated } : node);
  }

  protected override visitDataType(node: DataTypeNode): void {
    this.append(TYPES[node.dataType] ?? node.dataType);
  }
}

function isInteger(type: OperationNode): boolean {
  return DataTypeNode.is(type) && type.dataType === "integer";
}

/** Nothing is locked by Kysely's migrator: it would be an advisory lock, which poolers and other engines do not keep. */
export class Adapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {
    // The migrations run under the lock of their own table (migrate.ts).
  }

  override async releaseMigrationLock(): Promise<void> {
    // Asked for after a failure too, which it would hide: a transaction that has failed refuses every statement.
  }
}
