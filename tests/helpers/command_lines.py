"""Command lines as a strategy of Hypothesis: right ones from a grammar, most of them then spoilt by mutations.

A line that is all noise is refused by its first character. A right line with one fault reaches far more code.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml
from hypothesis import strategies as st
from odd_values import AMBIGUOUS_TEXTS, FLOATS, INTEGERS, ODD_CHARACTER, SCALARS, TEXTS, VALUES, written

from mnistsweep.config.compose import compose
from mnistsweep.config.hydra_errors import known_keys
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import conf_folder, resources
from mnistsweep.dimensions import canonical_value
from mnistsweep.json_values import exact_text

Arguments = list[str]

# A data set that needs no file, and that accepts any key: `data.note=...` reaches every file of a sweep unchanged.
DATA = "data=custom", "data._target_=few_images.load", "data.validation=0.25"

# The name of the sweep that stands in the working directory.
FINISHED = "finished"

GROUPS = ("model", "optimizer", "schedule", "data", "oracle", "pruner", "space")


@cache
def all_keys() -> list[str]:
    """The keys of the packaged configuration and of every preset."""
    keys = set(known_keys(compose(Recipe())))
    for group in GROUPS[:-1]:
        for file in (conf_folder() / group).glob("*.yaml"):
            keys |= {f"{group}.{key}" for key in yaml.safe_load(file.read_text(encoding="utf-8")) or {}}
    return sorted(keys)


@cache
def presets(group: str) -> list[str]:
    """The presets of a config group."""
    return sorted(file.stem for file in (conf_folder() / group).glob("*.yaml"))


@cache
def sweeps() -> list[str]:
    """The packaged sweeps."""
    return sorted(file.stem for file in (resources() / "sweeps").glob("*.yaml"))


def one_of(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


def listed(values: st.SearchStrategy[str], least: int = 2, most: int = 4) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=least, max_size=most, unique=True).map(",".join)


SHARES = st.one_of(one_of("0", "0.1", "0.5", "1e-7"), st.floats(0, 0.99).map(repr))
WHOLE = st.integers(1, 64).map(str)
BOUNDS = st.tuples(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300)).map(sorted)
WHOLE_BOUNDS = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)).map(sorted)


def texts(*lines: str) -> st.SearchStrategy[Arguments]:
    """One of some parts of a command line; a part may have several arguments."""
    return st.sampled_from([line.split(" ") for line in lines])


def text(strategy: st.SearchStrategy[Any], form: str) -> st.SearchStrategy[Arguments]:
    """Part of a command line with one drawn value."""
    return strategy.map(lambda value: form.format(value).split(" "))


def argument(strategy: st.SearchStrategy[Any], form: str) -> st.SearchStrategy[Arguments]:
    """One argument with one drawn value, which may contain spaces."""
    return strategy.map(lambda value: [form.format(value)])


def values(strategy: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[str]:
    several = st.lists(
        strategy, min_size=least, max_size=most, unique_by=lambda value: exact_text(canonical_value(value))
    )
    return several.map(lambda drawn: ",".join(map(written, drawn)))


RANGES: st.SearchStrategy[Arguments] = st.one_of(
    text(listed(SHARES), "model.dropout={}"),
    text(one_of("0.5", "0.9", "1e-3"), "model.dropout=interval(0,{})"),
    text(listed(WHOLE), "model.layer_size=choice({})"),
    text(WHOLE_BOUNDS, "model.layer_size=int(interval({0[0]},{0[1]}))"),
    text(WHOLE_BOUNDS, "trainer.batch_size=int(tag(log,interval({0[0]},{0[1]})))"),
    text(st.integers(2, 12), "model.dense_layers=range(1,{})"),
    text(listed(WHOLE), "trainer.epochs={}"),
    text(BOUNDS, "optimizer.learning_rate=tag(log,interval({0[0]!r},{0[1]!r}))"),
    text(listed(one_of("1e-3", "0.01", "1e-7", "5e-324", "1.0", "2")), "optimizer.learning_rate={}"),
    text(listed(one_of("adam", "sgd", "rmsprop", "adamw"), most=2), "optimizer={}"),
    text(listed(one_of("perceptron", "fast_conv", "tiny_conv", "conv_dense"), most=2), "model={}"),
    text(listed(one_of("relu", "tanh", "elu")), "model.activation={}"),
    texts("model=glob(*_conv)", "optimizer=glob([adam*,sgd],exclude=adamw)", "schedule=constant,cosine"),
    text(listed(one_of("null", "0.1", "1e-4")), "optimizer.weight_decay={}"),
    texts("optimizer=sgd optimizer.momentum=interval(0,0.9)", "optimizer=adam,sgd optimizer.momentum=0,0.5"),
    texts("optimizer=adam,sgd optimizer.momentum=0.9", "+optimizer.clipnorm=0.5,1"),
    texts("model.dropout=0,0.5 optimizer=adam,sgd conditions={model.dropout:{optimizer:sgd}}"),
    texts("model.dropout=0,0.1 optimizer=sgd,adam enqueue=[{optimizer:sgd,model.dropout:0.1}]"),
    texts("trainer.metrics=[accuracy],[accuracy,sparse_top_k_categorical_accuracy]", "trainer.patience=null,1,2"),
    texts("trainer.loss=sparse_categorical_crossentropy,poisson", "data.scaling=divide,standardize"),
    texts("space=[optimizer,momentum]", "space=[dropout,epochs]", "space=[learning_rate]", "space=layer_size"),
    argument(values(VALUES, 2, 4), "+data.note={}"),
    argument(values(SCALARS, 2, 3), "+data.note=choice({})"),
    argument(values(VALUES, 2, 3), "+data.more.deep={}"),
    argument(values(VALUES, 2, 3), "+width={}"),
)  # fmt: skip

FIXED: st.SearchStrategy[Arguments] = st.one_of(
    texts("trials=3", "trials=1", "hours=0.5", "total_epochs=40", "workers=2", "workers=3", "seed=0"),
    texts("name=probe", "name=2024", "name=Räume", "logs=elsewhere", "name=1e5"),
    argument(one_of("name='two words'", "logs='a b/c'", "storage='sqlite:///a b.db'"), "{}"),
    texts("objective=val_loss", "objective=accuracy", "direction=max", "direction=auto", "seed=4294967295"),
    texts("storage=sqlite:///ledger.db", "storage=null", "lease_seconds=3"),
    *(st.sampled_from(presets(group)).map(lambda name, group=group: [f"{group}={name}"]) for group in GROUPS[1:3]),
    texts("oracle=auto", "oracle=random", "oracle=tpe", "oracle=quasi_random", "oracle=grid", "oracle=cmaes"),
    text(st.sampled_from(presets("pruner")), "pruner={}"),
    texts("oracle.startup_results=1", "pruner.first_rung=2", "pruner.reduction_factor=2", "oracle.name=random"),
    texts("trainer.epochs=2", "trainer.threads=1", "trainer.repeats=2", "trainer.deterministic=true", "+width=8"),
    texts("model.layer_size=${trainer.epochs}", "+width=16", "optimizer.learning_rate=${oc.env:RATE,0.1}"),
    texts("report.seeds=2", "report.class_names=[a,b]", "clean.plant=0.1", "trial.timeout_minutes=1", "enqueue=[]"),
    texts("hydra/launcher=basic", "hydra/launcher=local", "hydra.job.name=x", "++trials=2", "max_failed_trials=null"),
    texts("trainer.callbacks=[{_target_:keras.callbacks.TerminateOnNaN}]", "conditions={}"),
    argument(VALUES.map(written), "+data.note={}"),
    argument(VALUES.map(written), "+data.more={{a:{}}}"),
    argument(TEXTS.map(written), "name={}"),
)  # fmt: skip


def joined(parts: list[Arguments], before: Arguments) -> Arguments:
    """The arguments of some parts, each key once."""
    found = {argument.lstrip("+").partition("=")[0]: argument for part in [before, *parts] for argument in part}
    return list(found.values())


@st.composite
def sweep_lines(draw: st.DrawFn) -> Arguments:
    """A command line of `mnistsweep sweep` that is right, except for values that were drawn to be odd."""
    fixed = draw(st.lists(FIXED, max_size=3))
    ranges = draw(st.lists(RANGES, min_size=1, max_size=3))
    named = [draw(st.sampled_from(sweeps()))] if draw(st.integers(0, 9)) == 9 else []
    overrides = draw(st.permutations(joined([*fixed, *ranges], [*DATA, "model=perceptron", "trials=2"])))
    return ["sweep", *named, *overrides]


@st.composite
def train_lines(draw: st.DrawFn) -> Arguments:
    """A command line of `mnistsweep train`."""
    fixed = draw(st.lists(FIXED, max_size=3))
    multirun = [draw(one_of("-m", "--multirun"))] if draw(st.integers(0, 9)) == 9 else []
    return ["train", *multirun, *draw(st.permutations(joined(fixed, [*DATA, "model=perceptron"])))]


OPTIONS: st.SearchStrategy[Arguments] = st.one_of(
    one_of("job", "hydra", "all").map(lambda part: ["--cfg", part]),
    st.tuples(one_of("trainer", "model.dropout", "_global_", "hydra.job", "nothing"), st.booleans()).map(
        lambda drawn: ["--cfg", "all", "--package", drawn[0], *(["--resolve"] if drawn[1] else [])]
    ),
    one_of("all", "config", "defaults", "defaults-tree", "plugins", "searchpath").map(lambda topic: ["--info", topic]),
    texts("--config-dir ../../own", "--config-dir ../../own --config-name mine", "-cn config", "-cd ../../own -cn mi"),
    TEXTS.map(lambda text: ["--config-name", text]),
    TEXTS.map(lambda text: ["--config-dir", text]),
)  # fmt: skip


def _output(file: str) -> Arguments:
    return ["--output", file]


@st.composite
def other_lines(draw: st.DrawFn) -> Arguments:
    """A command line of a command that reads a sweep."""
    sweep = draw(st.one_of(one_of(FINISHED, f"logs/{FINISHED}", "empty", "logs/empty", "nothing", "."), TEXTS))
    kind = draw(one_of("status", "stop", "export", "report", "clean", "show", "help"))
    extra: dict[str, st.SearchStrategy[Arguments]] = {
        "status": st.just([]),
        "stop": st.just([]),
        "export": st.one_of(st.just([]), st.sampled_from(["a.yaml", "a b", "logs", "", "."]).map(_output)),
        "report": st.lists(st.tuples(one_of("seeds", "refit", "top", "against", "sedes"), VALUES), max_size=2).map(
            lambda pairs: [f"report.{key}={written(value)}" for key, value in pairs]
        ),
        "clean": st.lists(st.tuples(one_of("plant", "folds", "seeds", "x"), SCALARS), max_size=2).map(
            lambda pairs: [f"clean.{key}={written(value)}" for key, value in pairs]
        ),
        "show": st.one_of(INTEGERS.map(lambda index: [str(index)]), SCALARS.map(lambda index: [str(index)])),
        "help": st.just(["--help"]),
    }  # fmt: skip
    if kind in ("report", "clean", "show") and sweep not in ("nothing", "."):
        sweep = "empty"  # these three would train
    return [draw(one_of("status", "train", "report")) if kind == "help" else kind, sweep, *draw(extra[kind])]


NASTY = st.one_of(
    st.sampled_from(AMBIGUOUS_TEXTS),
    TEXTS.map(written),
    INTEGERS.map(str),
    FLOATS.map(repr),
    VALUES.map(written),
    one_of(
        "range(0,1e9)", "range(1,3,0)", "range(1,3,nan)", "range(0,1,1e-9)", "interval(0,inf)", "interval(nan,1)",
        "interval(1,0)", "int(interval(1,99999999999999999999))", "tag(log,interval(1e-200,1e200))", "tag(a,b,1,2)",
        "choice()", "choice(null)", "choice(1,'1')", "choice(1,1.0)", "choice(true,1)", "choice(a)", "glob(*)",
        "glob([)", "shuffle(1,2)", "sort(3,1,2)", "sort(a,1)", "extend_list(1)", "extend_list(a,b)", "1,2,", ",", ",1",
        "[[[[[[[[[[1]]]]]]]]]]", "{a:{b:{c:1}}}", "[1,2],[3]", "{a:1},{b:2}", "float(1,2)", "int(1.5,2)", "str(1,2)",
        "bool(a,b)", "json_str({a:1})", "choice(${a},${b})", "interval(${a},1)", "'${a}',b", "1e400", "-1e400",
        "0x10", "1__0", "--1", "+1", "1,2,interval(0,1)", "choice(choice(1,2),3)", "interval(1,2),3",
        "tag(log,range(1,5))", "tag(log,choice(1,2))", "int(interval(0.5,1.5))", "interval(-1e308,1e308)",
        "int(tag(log,interval(0,5)))", "interval(1e-320,1e-319)", "[" * 60, "(" * 60, "[" * 200 + "]" * 200,
        "choice(" * 50, "{a:" * 80 + "1" + "}" * 80, ",".join(map(str, range(3000))), "a" * 20000, "1" * 5000,
        "a.b.c", "a/b", "../up", "/dev/null", "/proc/x", "/dev/null/x", ".", "..", "-", "--help", "a\\ b", "\\,",
        "{_target_: os.getcwd}", "sqlite:////dev/null/x.db", "postgresql://u:p@nowhere/x", "sqlite://", "mysql://x",
        "mnist", "npz", "idx", "fashion_mnist", "kerastuner", "gp", "joblib", "[a,b]", "{}", "[]", "[null]", "{a:}",
    ),
)  # fmt: skip

KEYS: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(all_keys()),
    one_of(
        "hydra.job.name", "hydra.run.dir", "hydra.sweeper.params", "+hydra.sweeper.params.model.dropout",
        "hydra.sweep.dir", "hydra/launcher", "hydra/sweeper", "hydra.searchpath", "hydra.job.chdir", "hydra.verbose",
        "hydra.mode", "hydra", "hydra.output_subdir", "hydra.job.env_set.X", "optimizer@other", "+model@twin",
        "optimizer@optimizer", "optimizer@a:b", "+sweeps", "++sweeps", "sweeps", "defaults", "_target_", "_self_",
        "+a.b.c", "+a/b", "+1", "a[0]", "trainer.callbacks[0]", "model.hp.units", "+model.hp.a/b", "+model.hp.a.b",
        "enqueue", "conditions", "conditions.model.dropout", "conditions.model", "++model.dropout", "~model.dropout",
        "~trainer.epochs", "trainer", "model", "report", "trial", "", "=", "+", "~", "++", "@", "model.", ".model",
        "model..dropout", "data.note", "+data.note", "data.augmentation.shift", "oracle._target_", "model._target_",
        "data._target_", "schedule.warmup_epochs", "+trainer.x", "${a}", "a b", "é", "trials", "name", "storage",
    ),
    ODD_CHARACTER,
)  # fmt: skip

WRAPPERS = (
    "choice({})", "range({})", "interval({})", "tag(log,{})", "glob({})", "shuffle({})", "sort({})", "extend_list({})",
    "int({})", "float({})", "str({})", "bool({})", "[{}]", "{{a:{}}}", "'{}'", '"{}"', "{0},{0}", "-{}", "{}e400",
    "${{{}}}", " {} ", "({})", "{}.0",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, lines: st.SearchStrategy[Arguments]) -> Arguments:
    """A line, spoilt in none to three places."""
    line = draw(lines)
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 1, 1, 1, 2, 3]))):
        line = draw(st.sampled_from(MUTATIONS))(draw, line)
    return line


def _place(draw: st.DrawFn, line: Arguments) -> int:
    """Index of an argument; that of an override more often than that of the command."""
    return draw(st.integers(1, len(line) - 1)) if len(line) > 1 and draw(st.integers(0, 19)) else 0


def _replaced(line: Arguments, index: int, *arguments: str) -> Arguments:
    return [*line[:index], *arguments, *line[index + 1 :]]


def _edit(draw: st.DrawFn, line: Arguments) -> Arguments:
    """A character inserted, removed, doubled or exchanged, as by a slip of the fingers."""
    index = _place(draw, line)
    text = line[index]
    at = draw(st.integers(0, max(0, len(text) - 1)))
    rest = text[at + 1 :]
    odd = draw(ODD_CHARACTER)
    edits = (text[:at] + rest, text[: at + 1] + text[at:], text[:at] + odd + text[at:], text[:at] + odd + rest,
             text[:at] + rest[:1] + text[at : at + 1] + rest[1:], text[:at], text + odd)  # fmt: skip
    return _replaced(line, index, draw(st.sampled_from(edits)))


def _revalue(draw: st.DrawFn, line: Arguments) -> Arguments:
    """Another value for a key."""
    index = _place(draw, line)
    return _replaced(line, index, f"{line[index].partition('=')[0]}={draw(NASTY)}")


def _rekey(draw: st.DrawFn, line: Arguments) -> Arguments:
    """Another key for a value."""
    index = _place(draw, line)
    return _replaced(line, index, f"{draw(KEYS)}={line[index].partition('=')[2]}")


def _wrap(draw: st.DrawFn, line: Arguments) -> Arguments:
    """A function of Hydra's grammar, quotes or brackets around a value."""
    index = _place(draw, line)
    key, equals, value = line[index].partition("=")
    return _replaced(line, index, f"{key}{equals}{draw(st.sampled_from(WRAPPERS)).format(value)}")


def _add(draw: st.DrawFn, line: Arguments) -> Arguments:
    """Another override: any key with any value."""
    one = st.one_of(st.builds("{}={}".format, KEYS, NASTY), st.builds("~{}".format, KEYS)).map(lambda text: [text])
    new = draw(st.one_of(one, RANGES, FIXED))
    index = draw(st.integers(1, len(line)))
    return [*line[:index], *new, *line[index:]]


def _repeat(draw: st.DrawFn, line: Arguments) -> Arguments:
    """An argument twice."""
    return [*line, line[_place(draw, line)]]


def _drop(draw: st.DrawFn, line: Arguments) -> Arguments:
    """An argument left out."""
    return _replaced(line, _place(draw, line))[:] or [""]


def _prefix(draw: st.DrawFn, line: Arguments) -> Arguments:
    """A sign in front of a key, or a package behind it."""
    index = _place(draw, line)
    key, equals, value = line[index].partition("=")
    changed = draw(
        st.sampled_from([f"+{key}", f"++{key}", f"~{key}", f"{key}@other", f"{key}.x", f"-{key}", f"{key} "])
    )
    return _replaced(line, index, f"{changed}{equals}{value}")


def _option(draw: st.DrawFn, line: Arguments) -> Arguments:
    """An option, which may belong to another command."""
    return [*line, *draw(OPTIONS)]


def _swap_types(draw: st.DrawFn, line: Arguments) -> Arguments:
    """A known key with a value of any type."""
    return [*line, f"{draw(st.sampled_from(all_keys()))}={written(draw(VALUES))}"]


MUTATIONS = (_edit, _edit, _revalue, _revalue, _rekey, _wrap, _add, _add, _repeat, _drop, _prefix, _option, _swap_types)

_WITH_OPTIONS = st.builds(lambda line, options: [*line, *options], st.one_of(sweep_lines(), train_lines()), OPTIONS)

NOISE = st.lists(TEXTS, max_size=3)


def command_lines() -> st.SearchStrategy[Arguments]:
    """Command lines: seven in ten search, the others train, show a configuration, read a sweep, or are noise."""
    kinds = [
        *[mutated(sweep_lines())] * 14,
        *[mutated(train_lines())] * 2,
        mutated(_WITH_OPTIONS),
        mutated(other_lines()),
        other_lines(),
        NOISE,
    ]
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)
