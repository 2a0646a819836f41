"""The parser of the command line: commands, options, and what is refused before a command runs."""

from __future__ import annotations

import argparse
import difflib
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from mnistsweep.errors import ConfigError, suggest
from mnistsweep.printable import printable
from mnistsweep.redaction import mask_argument
from mnistsweep.version import __version__

DESCRIPTION = "Hyperparameter sweeps for Keras."

EPILOG = """\
An override is key=value, in Hydra's grammar. In a sweep it may be a range:
  key=a,b,c   key=range(1,6)   key=interval(0,0.6)   key=int(interval(1,5))   key=tag(log,interval(1e-4,1e-1))

examples:
  mnistsweep sweep quickstart
  mnistsweep sweep 'model.dropout=interval(0,0.6)' optimizer=adam,sgd trials=30 workers=2
  mnistsweep train model=perceptron trainer.epochs=3
  mnistsweep sweep quickstart workers=16 hydra/launcher=slurm detach=true
  mnistsweep join logs/quickstart workers=2
  mnistsweep status logs/quickstart
  mnistsweep stop logs/quickstart
  mnistsweep repair logs/quickstart
  mnistsweep report logs/quickstart report.seeds=5
  mnistsweep show logs/quickstart 247
  mnistsweep clean logs/quickstart clean.plant=0.02
  mnistsweep export logs/quickstart --output best.yaml
  mnistsweep list
  mnistsweep clean-up logs --older-than 30d
  mnistsweep doctor logs=/shared/logs

"""

EXIT_CODES = """\
exit codes:
  0         done; a sweep is complete, or it runs already and is left alone (if_running=skip)
  1         failed: the sweep cannot continue, all its trials failed, or a section of a report failed
  2         refused: wrong input, a file that cannot be used, a sweep that runs (if_running=fail)
  3         budget left: the workers have ended without an error; the same command continues
  130, 143  interrupted by Ctrl-C, or by SIGTERM or `mnistsweep stop`; the same command continues
"""

# Maximum length of a line of a message, in characters.
MAX_LINE_LENGTH = 1000

SWEEP_HELP = "the sweep's folder or its name in logs/"

Run = Callable[[argparse.Namespace, list[str]], int]


# Commands that accept overrides beside their options.
WITH_OVERRIDES = ("train", "sweep", "join", "report", "clean", "doctor")

# Commands that accept several sweeps, also after their options.
WITH_SWEEPS = ("clean-up",)


class CommandParser(argparse.ArgumentParser):
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
        """Print an error of the command line as one line, and exit with code 2."""
        self.exit(2, bounded_line(printable(f"mnistsweep: {message}; see {self.prog} --help.")) + "\n")


# Adds a command: its name, help text and usage.
Add = Callable[[str, str, str], CommandParser]


def make_parsers(functions: Mapping[str, Run]) -> tuple[CommandParser, dict[str, CommandParser]]:
    """The parser of the command line, and the parser of each command.

    Args:
        functions: Function that runs a command, by the name of the command.
    """
    parser = CommandParser(
        "mnistsweep",
        description=DESCRIPTION,
        epilog=EPILOG + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mnistsweep {__version__}")
    group = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands: dict[str, CommandParser] = {}

    def add(name: str, text: str, usage: str) -> CommandParser:
        commands[name] = group.add_parser(name, help=text, description=text, usage=f"mnistsweep {name} {usage}")
        commands[name].set_defaults(run=functions[name], stopped="")
        return commands[name]

    _add_training_commands(add)
    _add_reading_commands(add)
    _add_evaluation_commands(add)
    _add_folder_commands(add)
    _add_doctor(add)
    return parser, commands


def _add_training_commands(add: Add) -> None:
    train = add("train", "train one configuration and score it on validation", "[overrides] [options]")
    train.add_argument("-m", "--multirun", action="store_true", help="the same as mnistsweep sweep")
    text = "search: NAME is a file in sweeps/, any override may be a range"
    sweep = add("sweep", text, "[NAME] [overrides] [options]")
    train.set_defaults(stopped="; the same command starts the training from the beginning, in a new folder")
    for parser in (train, sweep):
        _add_hydra_options(parser)
    sweep.epilog, sweep.formatter_class = EXIT_CODES, argparse.RawDescriptionHelpFormatter


def _add_reading_commands(add: Add) -> None:
    text = "more workers for a sweep, on this machine or through a launcher; also from another login"
    join = add("join", text, "SWEEP [workers=N] [hydra/launcher=slurm] [hydra.launcher.KEY=VALUE] [detach=true]")
    join.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    join.set_defaults(stopped="; the other workers of the sweep go on")
    status = add("status", "trials, best so far, running workers (reads only)", "SWEEP [--json]")
    status.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    status.add_argument("--json", action="store_true", help="one JSON document for programs (docs/schedules.md)")
    stop = add("stop", "ask all workers of a sweep to stop; the same sweep command continues", "SWEEP")
    stop.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    stop.set_defaults(stopped="; a request to stop that was sent to the workers stands")
    text = "rebuild a lost or damaged ledger from results.csv and the trials' folders"
    repair = add("repair", text, "SWEEP")
    repair.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    export = add(
        "export",
        "the configuration of the best trial, or of another one, as YAML",
        "SWEEP [--trial N] [--output FILE] [--model FILE.keras]",
    )
    export.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    export.add_argument("--output", metavar="FILE", help="where to write it (default, or -: print it)")
    export.add_argument("--model", metavar="FILE.keras", help="also copy the trial's model here")
    export.add_argument("--trial", metavar="N", type=int, help="number of the trial (default: the best one)")


def _add_evaluation_commands(add: Add) -> None:
    text = "retrain the best configuration, evaluate it on the test set, write an HTML report"
    report = add("report", text, "SWEEP [report.KEY=VALUE ...]")
    report.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    report.set_defaults(stopped="; the models that are trained are kept; the same command continues")
    show = add("show", "one test example and the predictions of the report's models", "SWEEP INDEX [options]")
    show.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    show.add_argument("index", metavar="INDEX", type=int, help="position of the example in the test set, from 0")
    show.add_argument("--next-wrong", action="store_true", help="the next example after INDEX that is predicted wrong")
    show.add_argument("--output", metavar="FILE.png", help="where to draw it (default: in the report)")
    text = "an experiment: does removing or correcting suspected training labels help?"
    clean = add("clean", text, "SWEEP [clean.KEY=VALUE ...]")
    clean.add_argument("sweep", metavar="SWEEP", help=SWEEP_HELP)
    clean.set_defaults(stopped="; the trainings that are finished are kept; the same command continues")


def _add_folder_commands(add: Add) -> None:
    listing = add("list", "all sweeps of a folder: state, trials, best, age, size", "[FOLDER] [--json]")
    listing.add_argument("folder", metavar="FOLDER", nargs="?", help="the folder (default: logs)")
    listing.add_argument("--json", action="store_true", help="print a JSON document")
    usage = "SWEEP|FOLDER ... [--models] [--keep N] [--events] [--logs] [--older-than AGE] [--delete]"
    cleaning = add("clean-up", "list or remove files that the results of sweeps do not need", usage)
    cleaning.add_argument("sweeps", metavar="SWEEP", nargs="+", help=f"{SWEEP_HELP}, or a folder above sweeps")
    for name, text in (
        ("--models", "also models of all trials but the best"),
        ("--events", "also event files (TensorBoard) of all trials but the best"),
        ("--logs", "also logs of workers"),
        ("--delete", "remove the files; without it nothing is changed"),
    ):
        cleaning.add_argument(name, action="store_true", help=text)
    cleaning.add_argument("--keep", metavar="N", type=int, help="with --models: the best N trials keep theirs")
    cleaning.add_argument("--older-than", metavar="AGE", help="only files that old, such as 30d (m, h, d or w)")
    cleaning.set_defaults(stopped="; what was removed stays removed; the same command continues")


def _add_doctor(add: Add) -> None:
    text = "check this machine, the folder, the database and the cluster that a sweep with these overrides would use"
    doctor = add("doctor", text, "[NAME] [overrides] [options]")
    for name, key in (("--config-dir", "DIR"), ("--config-name", "NAME")):
        doctor.add_argument(name, f"-c{name.split('-')[3][0]}", metavar=key, help="as for mnistsweep sweep")


def _add_hydra_options(parser: CommandParser) -> None:
    add = parser.add_argument
    add("-cd", "--config-dir", metavar="DIR", help="your folder with presets or a primary configuration")
    add("-cn", "--config-name", metavar="NAME", help="the primary configuration, such as best in a sweep's folder")
    add("-c", "--cfg", choices=("job", "hydra", "all"), help="show the configuration instead of running it")
    add("-p", "--package", metavar="KEY", help="with --cfg: only this part")
    add("--resolve", action="store_true", help="with --cfg: resolve interpolations")
    add("-i", "--info", choices=("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
        help="where the configuration comes from")  # fmt: skip


def refuse_bytes(given: Sequence[str]) -> None:
    """Refuse arguments that are not text: names and values are stored in UTF-8."""
    for argument in given:
        if not argument.isascii() and any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise ConfigError(f"{argument!r}: an argument must be text in UTF-8; rename the file, or change the value.")


def refuse_unknown(parser: CommandParser, options: argparse.Namespace, rest: Sequence[str]) -> None:
    """Refuse arguments that the parser does not know, except overrides."""
    for argument in rest:
        if argument.startswith("-"):
            name, mark, _ = argument.partition("=")
            if mark and not difflib.get_close_matches(name, parser.option_names):
                received, written = mask_argument(argument), mask_argument(argument.lstrip("-"))
                raise ConfigError(f"{name}: an override has no dashes; received {received!r}; write {written}.")
            hint = suggest(argument, parser.option_names)
            raise ConfigError(f"{options.command}: there is no option {argument!r}; {hint}.")
    if rest and options.command not in (*WITH_OVERRIDES, *WITH_SWEEPS):
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


def bounded_line(line: str) -> str:
    """A line of a message without its middle where it is too long: it quotes what the user typed."""
    if len(line) <= MAX_LINE_LENGTH:
        return line
    half = MAX_LINE_LENGTH // 2
    return f"{line[:half]} [... {len(line) - 2 * half:,} characters ...] {line[-half:]}"
