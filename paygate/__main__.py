"""The command `paygate`, also as `python -m paygate`."""

import io
import sys


def main() -> None:
    """Run the command line, or say what is missing for it."""
    try:
        import rich
        import segno
        import typer
    except ImportError as error:
        sys.exit(f"{error.name} is missing; install paygate-core with its extra `cli`")
    del rich, segno, typer
    from paygate.cli import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal shows a question mark, not a traceback
    app()


if __name__ == "__main__":
    main()
