"""The command line: parsing only. A command imports what it needs when it runs."""

from __future__ import annotations

import argparse
import difflib
import itertools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mnistsweep.command_line import arguments_of_process
from mnistsweep.errors import ConfigError, MnistSweepError, suggest, translate_os_errors
from mnistsweep.path_checks import OUTPUT_FILE, READ_FOLDER, is_folder, is_missing, required, text_fault
from mnistsweep.printable import make_streams_safe, printable, write_document
from mnistsweep.redaction import mask, mask_argument, redact_output
from mnistsweep.version import __version__

if TYPE_CHECKING:
    from mnistsweep.config.recipe import Recipe

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
  mnistsweep repair logs/quickstart
  mnistsweep report logs/quickstart report.seeds=5
  mnistsweep show logs/quickstart 247
  mnistsweep clean logs/quickstart clean.plant=0.02
  mnistsweep export logs/quickstart --output best.yaml
"""

# Maximum length of a line of a message, in characters.
MAX_LINE_LENGTH = 1000

SWEEP_HELP = "the sweep's folder or its name in logs/"

Run = Callable[[argparse.Namespace, list[str]], int]


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as those of all commands.

    Attributes:
        option_names: Every option string, such as ``--config-dir`` and ``-cd``.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.option_names: list[str] = []
        super().__init__(*arguments, **options)

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument and remember its option strings."""
        action = super().add_argument(*names, **options)
        self.option_names += action.option_strings
        return action

    def error(self, message: str) -> NoReturn:
        self.exit(2, _bounded(printable(f"mnistsweep: {message}; see {self.prog} --help.")) + "\n")


# Adds a command: its name, function, help text and usage.
Add = Callable[[str, Run, str, str], _Parser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Arguments without the program's name; None for the arguments of the process.

    Returns:
        The exit code: 0 done, 1 a sweep that cannot continue or a section of a report that failed, 2 wrong input,
        130 or 143 interrupted.
    """
    make_streams_safe()
    given = list(arguments_of_process() if arguments is None else arguments)
    for argument in given:
        mask_argument(argument)  # and mask it in all messages
    if arguments is None:
        redact_output()
    parser, commands = _parsers()
    options = argparse.Namespace(stopped="")
    try:
        _refuse_bytes(given)
        if given and not given[0].startswith("-") and given[0] not in commands:
            raise ConfigError(f"there is no command {given[0]!r}; {suggest(given[0], commands)}.")
        options, overrides = parser.parse_known_args(given)
        if options.command is None:
            parser.print_help()
            return 2
        _refuse_unknown(commands[options.command], options, overrides)
        _require_working_directory()
        return _run(options, overrides)
    except MnistSweepError as error:
        return _print_error(error)
    except KeyboardInterrupt as interrupt:
        from mnistsweep.stop_signal import interrupt_code

        print(f"mnistsweep: stopped{options.stopped}.", file=sys.stderr)
        return interrupt_code(interrupt)
    except BrokenPipeError:  # the program that reads our output has exited
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _require_working_directory() -> None:
    """Check that the working directory exists: relative paths start there.

    Raises:
        FileError: It has been removed, or must not be read.
    """
    with translate_os_errors("the working directory"):
        Path.cwd()


def _run(options: argparse.Namespace, overrides: list[str]) -> int:
    """Run a command until it ends, or until a signal interrupts it.

    Raises:
        KeyboardInterrupt: A signal interrupted it; the argument is the exit code.
        MnistSweepError: An error for the user.
    """
    from mnistsweep.stop_signal import StopSignal

    with StopSignal(interrupts=True) as stop:
        try:
            with translate_os_errors("the output"):
                code = int(options.run(options, overrides))
                sys.stdout.flush()
                return code
        except MnistSweepError as error:
            if stop():  # code of a user or of a backend has turned the interrupt into an error of its own
                raise KeyboardInterrupt(stop.exit_code) from error
            raise


def _parsers() -> tuple[_Parser, dict[str, _Parser]]:
    """The parser of the command line, and the parser of each command."""
    parser = _Parser(
        "mnistsweep", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"mnistsweep {__version__}")
    group = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands: dict[str, _Parser] = {}

    def add(name: str, run: Run, text: str, usage: str) -> _Parser:
        commands[name] = group.add_parser(name, help=text, description=text, usage=f"mnistsweep {name} {usage}")
        commands[name].set_defaults(run=run, stopped="")
        return commands[name]

    _add_training_commands(add)
    _add_reading_commands(add)
    _add_evaluation_commands(add)
    return parser, commands


def _add_training_commands(add: Add) -> None:
    train = add("train", _train, "train one configuration and score it on validation", "[overrides] [options]")
    train.add_argument("-m", "--multirun", action="store_true", help="the same as mnistsweep sweep")
    text = "search: NAME is a file in sweeps/, any override may be a range"
    sweep = add("sweep", _sweep, text, "[NAME] [overrides] [options]")
    train.set_defaults(stopped="; the same command starts the training from the beginning, in a new folder")
    for parser in (train, sweep):
        _add_hydra_options(parser)


def _add_reading_commands(add: Add) -> None:
    status = add("status", _status, "trials, best so far, running workers (reads only)", "SWEEP")
    status.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    stop = add("stop", _stop, "ask all workers of a sweep to stop; the same sweep command continues", "SWEEP")
    stop.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    stop.set_defaults(stopped="; a request to stop that was sent to the workers stands")
    text = "rebuild a lost or damaged ledger from results.csv and the trials' folders"
    repair = add("repair", _repair, text, "SWEEP")
    repair.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    export = add("export", _export, "the best configuration as YAML", "SWEEP [--output FILE] [--model FILE.keras]")
    export.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    export.add_argument("--output", metavar="FILE", help="where to write it (default, or -: print it)")
    export.add_argument("--model", metavar="FILE.keras", help="also copy the best trial's model here")


def _add_evaluation_commands(add: Add) -> None:
    text = "retrain the best configuration, evaluate it on the test set, write an HTML report"
    report = add("report", _report, text, "SWEEP [report.KEY=VALUE ...]")
    report.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    report.set_defaults(stopped="; the models that are trained are kept; the same command continues")
    show = add("show", _show, "one test image and the predictions of the report's models", "SWEEP INDEX [options]")
    show.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    show.add_argument("index", metavar="INDEX", type=int, help="position of the image in the test set, from 0")
    show.add_argument("--next-wrong", action="store_true", help="the next image after INDEX that is predicted wrong")
    show.add_argument("--output", metavar="FILE.png", help="where to draw it (default: in the report)")
    text = "an experiment: does removing or correcting suspected training labels help?"
    clean = add("clean", _clean, text, "SWEEP [clean.KEY=VALUE ...]")
    clean.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    clean.set_defaults(stopped="; the trainings that are finished are kept; the same command continues")


def _add_hydra_options(parser: _Parser) -> None:
    add = parser.add_argument
    add("-cd", "--config-dir", metavar="DIR", help="your folder with presets or a primary configuration")
    add("-cn", "--config-name", metavar="NAME", help="the primary configuration, such as best in a sweep's folder")
    add("-c", "--cfg", choices=("job", "hydra", "all"), help="show the configuration instead of running it")
    add("-p", "--package", metavar="KEY", help="with --cfg: only this part")
    add("--resolve", action="store_true", help="with --cfg: resolve interpolations")
    add("-i", "--info", choices=("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
        help="where the configuration comes from")  # fmt: skip


def _refuse_bytes(given: Sequence[str]) -> None:
    """Refuse arguments that are not text: names and values are stored in UTF-8."""
    for argument in given:
        if not argument.isascii() and any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise ConfigError(f"{argument!r}: an argument must be text in UTF-8; rename the file, or change the value.")


def _refuse_unknown(parser: _Parser, options: argparse.Namespace, rest: Sequence[str]) -> None:
    """Refuse arguments that the parser does not know, except overrides."""
    for argument in rest:
        if argument.startswith("-"):
            name, mark, _ = argument.partition("=")
            if mark and not difflib.get_close_matches(name, parser.option_names):
                received, written = mask_argument(argument), mask_argument(argument.lstrip("-"))
                raise ConfigError(f"{name}: an override has no dashes; received {received!r}; write {written}.")
            hint = suggest(argument, parser.option_names)
            raise ConfigError(f"{options.command}: there is no option {argument!r}; {hint}.")
    if rest and options.run not in (_train, _sweep, _report, _clean):
        raise ConfigError(f"{options.command}: expects one sweep; received {rest[0]!r} too.")
    _refuse_spaces(rest)


def _refuse_spaces(rest: Sequence[str]) -> None:
    """Refuse ``key = value`` and ``key =value``, which the shell has split into several arguments."""
    for key, after in itertools.pairwise(rest):
        if after.startswith("=") and "=" not in key:
            value = after[1:] or "".join(rest[rest.index(after) + 1 :][:1]) or "VALUE"
            written = mask_argument(f"{key}={value}")
            received = written.replace("=", " = " if after == "=" else " =", 1)
            raise ConfigError(f"{key}: there are no spaces around '='; received {received!r}; write {written}.")


def _train(options: argparse.Namespace, overrides: list[str]) -> int:
    if options.multirun:
        return _search(options, overrides)
    recipe = _recipe(options, overrides)
    if not _is_shown(options, recipe):
        from mnistsweep.commands.train import train

        train(recipe)
    return 0


def _sweep(options: argparse.Namespace, overrides: list[str]) -> int:
    names = [argument for argument in overrides if "=" not in argument and not argument.startswith(("~", "+"))]
    if len(names) > 1:
        raise ConfigError(f"sweep: expects one NAME; received {' and '.join(names)}.")
    rest = [argument for argument in overrides if argument not in names]
    return _search(options, [*(f"+sweeps={name}" for name in names), *rest])


def _search(options: argparse.Namespace, overrides: list[str]) -> int:
    recipe = _recipe(options, overrides)
    if _is_shown(options, recipe):
        return 0
    from mnistsweep.planning.planner import plan_sweep

    plan = plan_sweep(recipe)
    from mnistsweep.commands import sweep
    from mnistsweep.workers.launchers import choose_launcher

    return sweep.run_sweep(plan, choose_launcher(plan))


def _recipe(options: argparse.Namespace, overrides: list[str]) -> Recipe:
    from mnistsweep.config.recipe import command_line_recipe

    return command_line_recipe(options.config_dir, options.config_name, overrides)


def _is_shown(options: argparse.Namespace, recipe: Recipe) -> bool:
    """Show the configuration or where it comes from, if an option asks for it; then nothing runs."""
    given = [name for name in ("cfg", "info") if getattr(options, name) is not None]
    if len(given) > 1:
        raise ConfigError(f"{options.command}: --cfg and --info cannot be combined.")
    for name in ("package", "resolve"):
        if getattr(options, name) and options.cfg is None:
            raise ConfigError(f"{options.command}: --{name} requires --cfg.")
    if not given:
        return False
    from mnistsweep.config import showing

    if options.cfg is not None:
        write_document(showing.configuration_text(recipe, options.cfg, options.package, options.resolve))
    else:
        showing.print_info(recipe, options.info)
    return True


def _status(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.status import print_status

    print_status(_folder(options.sweep))
    return 0


def _stop(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.stop import stop

    stop(_folder(options.sweep))
    return 0


def _repair(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.repair import repair

    repair(_folder(options.sweep))
    return 0


def _export(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.export import export

    output = None if options.output == "-" else _output("--output", options.output)
    export(_folder(options.sweep), output, _output("--model", options.model))
    return 0


def _report(options: argparse.Namespace, overrides: list[str]) -> int:
    from mnistsweep.commands.report import report

    return 1 if report(_folder(options.sweep), overrides).failed else 0


def _show(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.show import show

    output = _output("--output", options.output)
    show(_folder(options.sweep), options.index, options.next_wrong, output)
    return 0


def _clean(options: argparse.Namespace, overrides: list[str]) -> int:
    from mnistsweep.commands.clean import clean

    clean(_folder(options.sweep), overrides)
    return 0


def _folder(sweep: str) -> Path:
    """The folder of a sweep that the user named: the folder itself, or the name of a folder in ``logs/``."""
    given, logs = Path(sweep), Path("logs")
    if text_fault(sweep):
        return required("SWEEP", sweep, READ_FOLDER)
    if is_folder(given) or not is_folder(logs):
        return given
    is_name = given.name == sweep and is_missing(given)
    return logs / sweep if is_name or is_folder(logs / sweep) else given


def _output(option: str, path: str | None) -> Path | None:
    """The file that an option names, after its check; None if the option is not used."""
    return None if path is None else required(option, path, OUTPUT_FILE)


def _print_error(error: MnistSweepError) -> int:
    for line in str(error).rstrip("\n").split("\n"):
        print(f"mnistsweep: {_bounded(printable(mask(line)))}", file=sys.stderr)
    return error.exit_code


def _bounded(line: str) -> str:
    """A line of a message without its middle where it is too long: it quotes what the user typed."""
    if len(line) <= MAX_LINE_LENGTH:
        return line
    half = MAX_LINE_LENGTH // 2
    return f"{line[:half]} [... {len(line) - 2 * half:,} characters ...] {line[-half:]}"


if __name__ == "__main__":
    sys.exit(main())
