"""``async-test-run schema``: the JSON Schema of the plan, for editors."""

from __future__ import annotations

import click

_EPILOG = """\b
Example:
  async-test-run schema -o runner.schema.json

\b
Then let the first line of runner.yaml name it:
  # yaml-language-server: $schema=runner.schema.json"""


@click.command("schema", epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write it to this file instead of to standard output, whole or not at all.",
)
def command(output: str | None) -> None:
    """Print the JSON Schema of the plan.

    Editors complete and check runner.yaml with it. It says what each key may hold. Some problems only show in the plan
    as a whole, such as a phase that needs a later one. `async-test-run plan` finds these.
    """
    from pathlib import Path

    from ..plan.reading import schema_text
    from ..system.files import replaced

    text = schema_text()
    if output is None:
        click.echo(text, nl=False)
        return
    with replaced(Path(output)) as file:
        file.write(text.encode())
