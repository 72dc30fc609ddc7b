"""Index file: rows that come in parts become one parquet file, with the columns and types of all parts together."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pyarrow
import pyarrow.parquet

ROWS_A_GROUP = 50_000


def write_index(path: Path, parts: Iterable[list[dict]]) -> None:
    """Write the rows of all parts, in order, to a parquet file with row groups of ROWS_A_GROUP.

    Columns stand in the order in which rows first have them, and are empty where a row has none. They are known only
    after the last row, so the parts wait in a folder beside the file.
    Raises: OSError; pyarrow.ArrowInvalid when a column mixes types.
    """
    folder = path.with_name(f".{path.name}.parts")
    folder.mkdir()
    schemas, files = [], []
    for number, rows in enumerate(parts):
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = pyarrow.table({name: [row.get(name) for row in rows] for name in names})
        schemas.append(table.schema)
        files.append(folder / f"{number:06d}.arrow")
        with pyarrow.OSFile(str(files[-1]), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    schema = pyarrow.unify_schemas(schemas, promote_options="permissive")
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        waiting: list[pyarrow.Table] = []
        for file in files:
            with pyarrow.OSFile(str(file), "rb") as source:
                waiting.append(_with_schema(pyarrow.ipc.open_file(source).read_all(), schema))
            while sum(table.num_rows for table in waiting) >= ROWS_A_GROUP:
                whole = pyarrow.concat_tables(waiting)
                _write_group(writer, whole.slice(0, ROWS_A_GROUP))
                waiting = [whole.slice(ROWS_A_GROUP)]
        rest = pyarrow.concat_tables(waiting)
        if rest.num_rows:
            _write_group(writer, rest)
    shutil.rmtree(folder)


def _with_schema(table: pyarrow.Table, schema: pyarrow.Schema) -> pyarrow.Table:
    """The table with every column of a schema, in its order and of its types; columns that it lacks are empty."""
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pyarrow.nulls(len(table), field.type)
        for field in schema
    ]
    return pyarrow.table(columns, schema=schema)


def _write_group(writer: pyarrow.parquet.ParquetWriter, table: pyarrow.Table) -> None:
    """Pages do not begin anew where parts do, so that the bytes do not tell how the rows came."""
    writer.write_table(table.combine_chunks(), row_group_size=ROWS_A_GROUP)
