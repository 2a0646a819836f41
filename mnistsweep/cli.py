"""The command line. Overrides go to Hydra as they are; nothing heavy is imported before a command needs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mnistsweep import __version__
from mnistsweep.errors import MnistSweepError

DESCRIPTION = "Hyperparameter sweeps for Keras."

EPILOG = """\
An override is key=value, in Hydra's grammar. In a sweep it may be a range:
  key=a,b,c   key=range(1,6)   key=interval(0,0.6)   key=int(interval(1,5))   key=tag(log,interval(1e-4,1e-1))

examples:
  mnistsweep sweep quickstart
  mnistsweep sweep 'model.dropout=interval(0,0.6)' optimizer=adam,sgd trials=30 workers=2
  mnistsweep train model=perceptron trainer.epochs=3
  mnistsweep status logs/quickstart
  mnistsweep export logs/quickstart --output best.yaml
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Without the program's name; None for those of the process.

    Returns:
        The exit code: 0 done, 1 a sweep that cannot go on, 2 something to mend, 130 or 143 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    options, rest = parser.parse_known_args(given)
    if options.command is None:
        parser.print_help()
        return 2
    if rest and options.command not in ("train", "sweep"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(options.run(options, rest))
    except MnistSweepError as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("mnistsweep: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "mnistsweep", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"mnistsweep {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    hydra_options = "[overrides] [Hydra's options, such as --config-dir DIR --config-name NAME, --cfg job]"

    def command(
        name: str, run: Callable[[argparse.Namespace, list[str]], int], text: str, usage: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, usage=f"mnistsweep {name} {usage}")
        added.set_defaults(run=run)
        return added

    command("train", _train, "train one configuration and score it on validation", hydra_options)
    command(
        "sweep", _sweep, "search: NAME is a file in sweeps/, any override may be a range", f"[NAME] {hydra_options}"
    )
    status = command("status", _status, "trials, best so far, who is running (reads only)", "SWEEP")
    status.add_argument("sweep", metavar="SWEEP", help="the sweep's folder or its name in logs/")
    export = command("export", _export, "the best configuration as YAML", "SWEEP [--output FILE] [--model FILE.keras]")
    export.add_argument("sweep", metavar="SWEEP", help="the sweep's folder or its name in logs/")
    export.add_argument("--output", type=Path, metavar="FILE", help="where to write it (default: print it)")
    export.add_argument("--model", type=Path, metavar="FILE.keras", help="also copy the best trial's model here")
    return parser


def _train(options: argparse.Namespace, rest: list[str]) -> int:
    return _hydra(rest)


def _sweep(options: argparse.Namespace, rest: list[str]) -> int:
    names = [argument for argument in rest[:1] if "=" not in argument and not argument.startswith(("-", "~", "+"))]
    return _hydra(["--multirun", *(f"+sweeps={name}" for name in names), *rest[len(names) :]])


def _status(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.inspecting import print_status

    print_status(_folder(options.sweep))
    return 0


def _export(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.inspecting import export

    export(_folder(options.sweep), options.output, options.model)
    return 0


def _folder(sweep: str) -> Path:
    """A sweep's folder from what the user typed: the folder, or the name of one in ``logs/``."""
    given = Path(sweep)
    return Path("logs") / sweep if not given.is_dir() and (Path("logs") / sweep).is_dir() else given


def _hydra(arguments: list[str]) -> int:
    """Hand over to Hydra; its errors come back in this project's words."""
    import hydra
    from hydra.errors import HydraException

    from mnistsweep.config import compose, schema

    schema.register()
    folders = compose.default_folders()
    search = [] if any(a.startswith("hydra.searchpath=") for a in arguments) else [compose.searchpath(folders[1:])]
    job = hydra.main(config_path=str(compose.conf_folder()), config_name=compose.PRIMARY, version_base="1.3")(run_job)
    before = sys.argv
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors through, instead of a stack trace and an exit
    sys.argv = [before[0], *arguments, *search]
    try:
        job()
    except HydraException as error:
        raise compose.explain(error, compose.Recipe(tuple(arguments), folders=folders)) from error
    finally:
        sys.argv = before
    return 0


def run_job(config: Any) -> Any:
    """What Hydra runs: one training; or, where the sweeper says so, one worker of a sweep."""
    if config.worker is not None:
        from mnistsweep.worker import work_job

        return work_job(Path(config.logs) / config.name, config.worker, config.session)
    from mnistsweep.single import train_job

    try:
        return train_job(config)
    except MnistSweepError as error:  # an exit, not an exception: Hydra would add lines of its own
        sys.exit(_complain(error))


def _complain(error: MnistSweepError) -> int:
    print(f"mnistsweep: {error}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
