"""The command line. Overrides go to Hydra as they are; nothing heavy is imported before a command needs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mnistsweep import __version__
from mnistsweep.errors import ConfigError, MnistSweepError, suggest, translate_disk_full

if TYPE_CHECKING:
    from mnistsweep.config.compose import Recipe

DESCRIPTION = "Hyperparameter sweeps for Keras."

EPILOG = """\
An override is key=value, in Hydra's grammar. In a sweep it may be a range:
  key=a,b,c   key=range(1,6)   key=interval(0,0.6)   key=int(interval(1,5))   key=tag(log,interval(1e-4,1e-1))

examples:
  mnistsweep sweep quickstart
  mnistsweep sweep 'model.dropout=interval(0,0.6)' optimizer=adam,sgd trials=30 workers=2
  mnistsweep train model=perceptron trainer.epochs=3
  mnistsweep status logs/quickstart
  mnistsweep stop logs/quickstart
  mnistsweep report logs/quickstart report.seeds=5
  mnistsweep show logs/quickstart 247
  mnistsweep clean logs/quickstart clean.plant=0.02
  mnistsweep export logs/quickstart --output best.yaml
"""

SWEEP_HELP = "the sweep's folder or its name in logs/"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as everywhere else."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"mnistsweep: {message}; see {self.prog} --help.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Without the program's name; None for those of the process.

    Returns:
        The exit code: 0 done, 1 a sweep that cannot go on or a section of a report that failed, 2 something to mend,
        130 or 143 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser, commands = _parsers()
    try:
        if given and not given[0].startswith("-") and given[0] not in commands:
            raise ConfigError(f"there is no command {given[0]!r}; {suggest(given[0], commands)}.")
        options, overrides = parser.parse_known_args(given)
        if options.command is None:
            parser.print_help()
            return 2
        _refuse_unknown(commands[options.command], options, overrides)
        with translate_disk_full("a file"):
            return int(options.run(options, overrides))
    except MnistSweepError as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("mnistsweep: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = _Parser(
        "mnistsweep", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"mnistsweep {__version__}")
    group = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(
        name: str, run: Callable[[argparse.Namespace, list[str]], int], text: str, usage: str
    ) -> argparse.ArgumentParser:
        added = group.add_parser(name, help=text, description=text, usage=f"mnistsweep {name} {usage}")
        added.set_defaults(run=run)
        return added

    train = command("train", _train, "train one configuration and score it on validation", "[overrides] [options]")
    train.add_argument("-m", "--multirun", action="store_true", help="the same as mnistsweep sweep")
    text = "search: NAME is a file in sweeps/, any override may be a range"
    sweep = command("sweep", _sweep, text, "[NAME] [overrides] [options]")
    for with_hydra in (train, sweep):
        _add_hydra_options(with_hydra)
    status = command("status", _status, "trials, best so far, who is running (reads only)", "SWEEP")
    status.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    stop = command("stop", _stop, "ask all workers of a sweep to stop; the same sweep command continues", "SWEEP")
    stop.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    export = command("export", _export, "the best configuration as YAML", "SWEEP [--output FILE] [--model FILE.keras]")
    export.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    export.add_argument("--output", type=Path, metavar="FILE", help="where to write it (default: print it)")
    export.add_argument("--model", type=Path, metavar="FILE.keras", help="also copy the best trial's model here")
    text = "the best model trained anew, scored on the test set, its doubts and mistakes, on one page"
    report = command("report", _report, text, "SWEEP [report.KEY=VALUE ...]")
    report.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    show = command("show", _show, "one test image, and what the report's models say of it", "SWEEP INDEX [options]")
    show.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    show.add_argument("index", metavar="INDEX", type=int, help="its position in the test set, from 0")
    show.add_argument("--next-wrong", action="store_true", help="the next image after INDEX that is predicted wrong")
    show.add_argument("--output", type=Path, metavar="FILE.png", help="where to draw it (default: in the report)")
    text = "an experiment: does removing or correcting suspected training labels help?"
    clean = command("clean", _clean, text, "SWEEP [clean.KEY=VALUE ...]")
    clean.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    return parser, dict(group.choices)


def _add_hydra_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-cd", "--config-dir", metavar="DIR", help="a folder with presets or a primary configuration of your own")
    add("-cn", "--config-name", metavar="NAME", help="the primary configuration, such as best in a sweep's folder")
    add("-c", "--cfg", choices=("job", "hydra", "all"), help="show the configuration instead of running it")
    add("-p", "--package", metavar="KEY", help="with --cfg: only this part")
    add("--resolve", action="store_true", help="with --cfg: resolve interpolations")
    add("-i", "--info", choices=("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
        help="where the configuration comes from")  # fmt: skip


def _refuse_unknown(parser: argparse.ArgumentParser, options: argparse.Namespace, rest: Sequence[str]) -> None:
    """Refuse what argparse did not take, but for overrides."""
    known = [name for action in parser._actions for name in action.option_strings]
    for argument in rest:
        if argument.startswith("-"):
            raise ConfigError(f"{options.command}: there is no option {argument!r}; {suggest(argument, known)}.")
    if rest and options.run not in (_train, _sweep, _report, _clean):
        raise ConfigError(f"{options.command}: takes one sweep, received {rest[0]!r} too.")


def _train(options: argparse.Namespace, overrides: list[str]) -> int:
    return _hydra(options, overrides, sweeping=options.multirun)


def _sweep(options: argparse.Namespace, overrides: list[str]) -> int:
    names = [argument for argument in overrides if "=" not in argument and not argument.startswith(("~", "+"))]
    if len(names) > 1:
        raise ConfigError(f"sweep: takes one NAME, received {' and '.join(names)}.")
    rest = [argument for argument in overrides if argument not in names]
    return _hydra(options, [*(f"+sweeps={name}" for name in names), *rest], sweeping=True)


def _status(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.status import print_status

    print_status(_folder(options.sweep))
    return 0


def _stop(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.stop import stop

    stop(_folder(options.sweep))
    return 0


def _export(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.export import export

    export(_folder(options.sweep), options.output, options.model)
    return 0


def _report(options: argparse.Namespace, overrides: list[str]) -> int:
    from mnistsweep.commands.report import report

    return 1 if report(_folder(options.sweep), overrides).failed else 0


def _show(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.show import show

    show(_folder(options.sweep), options.index, options.next_wrong, options.output)
    return 0


def _clean(options: argparse.Namespace, overrides: list[str]) -> int:
    from mnistsweep.commands.clean import clean

    clean(_folder(options.sweep), overrides)
    return 0


def _folder(sweep: str) -> Path:
    """A sweep's folder from what the user typed: the folder, or the name of one in ``logs/``."""
    given, logs = Path(sweep), Path("logs")
    is_name = not given.is_dir() and (given.name == sweep or (logs / sweep).is_dir())
    return logs / sweep if is_name and logs.is_dir() else given


def _hydra(options: argparse.Namespace, overrides: list[str], sweeping: bool) -> int:
    """Hand over to Hydra; where it refuses, say everything that is wrong, not what it stumbled over first."""
    from hydra.errors import HydraException

    from mnistsweep.config.explaining import HYDRA_ERRORS, explain
    from mnistsweep.config.launching import launch, recipe_of

    shown = {"--cfg": options.cfg, "--package": options.package, "--info": options.info}
    flags = [part for name, value in shown.items() if value is not None for part in (name, value)]
    recipe = recipe_of(options.config_dir, options.config_name, overrides)
    try:
        launch(recipe, [*flags, *["--resolve"] * options.resolve], sweeping, run_job)
    except HYDRA_ERRORS as error:
        _find_faults(recipe, sweeping)
        if isinstance(error, HydraException):
            raise ConfigError(explain(error, recipe)) from error
        raise
    return 0


def _find_faults(recipe: Recipe, sweeping: bool) -> None:
    """Check a configuration that Hydra does not compose.

    Raises:
        ConfigError: What was found.
    """
    from mnistsweep.config.checks import Faults
    from mnistsweep.config.explaining import mend
    from mnistsweep.config.held import key_of
    from mnistsweep.config.launching import is_range

    if sweeping:
        from mnistsweep.planning.planner import plan_sweep

        own = tuple(text for text in recipe.overrides if key_of(text).startswith("hydra"))
        plan_sweep(replace(recipe, overrides=own), [text for text in recipe.overrides if text not in own])
        return
    from mnistsweep.commands.train import check_training

    faults = Faults()
    ranges = [text for text in recipe.overrides if is_range(text)]
    faults.add(f"{key_of(text)}: a range is searched by mnistsweep sweep, received {text!r}." for text in ranges)
    with faults.fatal():
        mended, found = mend(replace(recipe, overrides=tuple(o for o in recipe.overrides if o not in ranges)))
        faults.add(found)
        check_training(mended, mended.compose(), faults)


def run_job(config: Any) -> Any:
    """What Hydra runs: one training; or, where the sweeper says so, one worker of a sweep."""
    if config.worker is not None and config.session is not None:
        from mnistsweep.workers.worker import work_job

        return work_job(Path(str(config.logs)) / str(config.name), config.worker, str(config.session))
    from hydra.core.hydra_config import HydraConfig

    from mnistsweep.commands.train import train_job

    try:
        return train_job(config, HydraConfig.get())
    except MnistSweepError as error:  # an exit, not an exception: Hydra would add lines of its own
        sys.exit(_complain(error))


def _complain(error: MnistSweepError) -> int:
    for line in str(error).splitlines():
        print(f"mnistsweep: {line}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
