"""The command `fer-client compare`: two results side by side."""

from pathlib import Path
from typing import Annotated

import typer

from fer_client.cli import console

compare_app = console.new_app()

_EXAMPLES = """\b
Examples:
  fer-client compare before.mp4 after.mp4
  fer-client compare out/talk:1 out/talk:2      two speakers, faces 1 and 2
  fer-client compare day1 day2 --offset 12.5
"""


@compare_app.command(
    help="Compare two results, or one face of each: shares and timelines side by side, and the differences with their "
    "uncertainty. Writes comparison.html, comparison.png and comparison.csv.",
    epilog=_EXAMPLES,
)
def compare(
    first: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A result folder, or an input that has one below --results; with :2 its face 2 alone.",
        ),
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for page, picture and table.")] = Path(
        "comparison"
    ),
    results: Annotated[Path, typer.Option(help="Where the folders of results are.")] = Path("out"),
    offset_s: Annotated[
        float,
        typer.Option(
            "--offset",
            help="Second of A at which the first frame of B stands in the timelines; changes no number.",
        ),
    ] = 0.0,
) -> int:
    """Compare, write what is made of it, and print the shares."""
    from fer_client.cli.comparison_lines import print_comparison
    from fer_client.comparison.comparison import compare as compare_sides
    from fer_client.comparison.files import check_request, write_files
    from fer_client.comparison.sides import read_side

    check_request(offset_s)
    comparison = compare_sides(read_side(first, results), read_side(second, results))
    paths = write_files(comparison, out, offset_s)
    print_comparison(comparison, paths)
    return 0
