"""The command line: it parses the arguments and calls a command, which imports what it needs when it runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnistsweep.command_line import arguments_of_process
from mnistsweep.command_parser import Run, bounded_line, make_parsers, refuse_bytes, refuse_unknown
from mnistsweep.errors import ConfigError, MnistSweepError, suggest, translate_os_errors
from mnistsweep.path_checks import OUTPUT_FILE, READ_FOLDER, is_folder, is_missing, required
from mnistsweep.path_texts import expanded, text_fault
from mnistsweep.printable import make_streams_safe, printable, write_document
from mnistsweep.redaction import mask, mask_argument, redact_output

if TYPE_CHECKING:
    from mnistsweep.config.recipe import Recipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Arguments without the program's name; None for the arguments of the process.

    Returns:
        The exit code, see `command_parser.EXIT_CODES`.
    """
    make_streams_safe()
    given = list(arguments_of_process() if arguments is None else arguments)
    for argument in given:
        mask_argument(argument)  # and mask it in all messages
    if arguments is None:
        redact_output()
    parser, commands = make_parsers(COMMANDS)
    options = argparse.Namespace(stopped="")
    try:
        refuse_bytes(given)
        if given and not given[0].startswith("-") and given[0] not in commands:
            raise ConfigError(f"there is no command {given[0]!r}; {suggest(given[0], commands)}.")
        options, overrides = parser.parse_known_args(given)
        if options.command is None:
            parser.print_help()
            return 2
        refuse_unknown(commands[options.command], options, overrides)
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


def _train(options: argparse.Namespace, overrides: list[str]) -> int:
    if options.multirun:
        return _search(options, overrides)
    recipe = _recipe(options, overrides)
    if not _is_shown(options, recipe):
        from mnistsweep.commands.train import train

        train(recipe)
    return 0


def _sweep(options: argparse.Namespace, overrides: list[str]) -> int:
    return _search(options, _with_named_sweep(overrides))


def _with_named_sweep(overrides: list[str]) -> list[str]:
    """Replace the name of a sweep by the override that chooses it.

    Raises:
        ConfigError: There are several names.
    """
    names = [argument for argument in overrides if "=" not in argument and not argument.startswith(("~", "+"))]
    if len(names) > 1:
        raise ConfigError(f"sweep: expects one NAME; received {' and '.join(names)}.")
    rest = [argument for argument in overrides if argument not in names]
    return [*(f"+sweeps={name}" for name in names), *rest]


def _search(options: argparse.Namespace, overrides: list[str]) -> int:
    recipe = _recipe(options, overrides)
    if _is_shown(options, recipe):
        return 0
    from mnistsweep.commands.repeated_start import early_answer
    from mnistsweep.planning.planner import complete_draft, draft_sweep

    draft = draft_sweep(recipe)
    if (code := early_answer(draft.plan)) is not None:
        return code
    plan = complete_draft(draft)
    from mnistsweep.commands import sweep
    from mnistsweep.workers.launchers import choose_launcher

    return sweep.run_sweep(plan, choose_launcher(plan))


def _join(options: argparse.Namespace, overrides: list[str]) -> int:
    from mnistsweep.commands.join import join

    return join(_folder(options.sweep), overrides)


def _recipe(options: argparse.Namespace, overrides: list[str]) -> Recipe:
    from mnistsweep.config.recipe import command_line_recipe

    if options.config_dir and str(options.config_name).removesuffix(".yaml") == "best":
        from mnistsweep.commands.missing_best import require_best

        require_best(expanded(options.config_dir))
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
    from mnistsweep.commands.status import print_json, print_status

    show = print_json if options.json else print_status
    show(_folder(options.sweep))
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
    export(_folder(options.sweep), output, _output("--model", options.model), options.trial)
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


def _doctor(options: argparse.Namespace, overrides: list[str]) -> int:
    from mnistsweep.commands.doctor import doctor

    return 0 if doctor(_recipe(options, _with_named_sweep(overrides))) else 1


def _list(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.list_sweeps import list_sweeps

    given = "logs" if options.folder is None else str(_folder(options.folder))
    is_empty = options.folder is None and is_missing(Path(given))  # no sweep was started here yet
    list_sweeps(Path(given) if is_empty else required("FOLDER", given, READ_FOLDER), options.json)
    return 0


def _clean_up(options: argparse.Namespace, rest: list[str]) -> int:
    from mnistsweep.commands.clean_up import clean_up
    from mnistsweep.commands.clean_up_options import selected_files

    selected = selected_files(options)
    folders = [required("SWEEP", str(_folder(sweep)), READ_FOLDER) for sweep in (*options.sweeps, *rest)]
    return clean_up(folders, selected, options.delete)


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
        print(f"mnistsweep: {bounded_line(printable(mask(line)))}", file=sys.stderr)
    return error.exit_code


COMMANDS: dict[str, Run] = {
    "train": _train,
    "sweep": _sweep,
    "join": _join,
    "status": _status,
    "stop": _stop,
    "repair": _repair,
    "export": _export,
    "report": _report,
    "show": _show,
    "clean": _clean,
    "list": _list,
    "clean-up": _clean_up,
    "doctor": _doctor,
}
"""Function that runs a command, by the name of the command."""


if __name__ == "__main__":
    sys.exit(main())
