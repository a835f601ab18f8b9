"""The SQL of the second wall: row-level security on whatever belongs to a case, and what each database role may do.

Migrations call these functions; the texts become part of the schema, so a change here is a new migration.
"""

from collections.abc import Sequence


def wall(
    table: str, *, sees: str, writes: str | None = None, web: str, worker: str = "", bypass: str = "cw_owner"
) -> str:
    """Return SQL that puts `table` behind forced row-level security.

    `sees`: the condition under which the web role sees a row. `writes`: the condition for rows it writes (default:
    `sees`). `web`, `worker`: the rights of those roles (`"SELECT, INSERT"`). The worker, the machine's own principal,
    sees every row of the tables that it is given. `bypass`: the role for which a migration's rows are open, on purpose.
    """
    parts = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;",
        f"REVOKE ALL ON {table} FROM PUBLIC;",
        f"GRANT {web} ON {table} TO cw_web;",
        f"CREATE POLICY {table}_web ON {table} TO cw_web USING ({sees}) WITH CHECK ({writes or sees});",
        f"CREATE POLICY {table}_owner ON {table} TO {bypass} USING (true) WITH CHECK (true);",
    ]
    if worker:
        parts += [
            f"GRANT {worker} ON {table} TO cw_worker;",
            f"CREATE POLICY {table}_worker ON {table} TO cw_worker USING (true) WITH CHECK (true);",
        ]
    return "\n".join(parts)


def case_wall(table: str, *, column: str = "case_id", web: str, worker: str = "") -> str:
    """Return the wall of a table whose rows belong to the case in `column`."""
    return wall(table, sees=f"cw_sees({column})", web=web, worker=worker)


def open_tables(tables: Sequence[str], *, web: str, worker: str = "") -> str:
    """Return grants for tables that belong to no case."""
    names = ", ".join(tables)
    sql = f"GRANT {web} ON {names} TO cw_web;"
    return sql + (f"\nGRANT {worker} ON {names} TO cw_worker;" if worker else "")
