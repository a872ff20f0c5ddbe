"""Logs made by Inspect AI itself, with its mock model, over two small tasks.

``python tests/inspect_logs.py FOLDER`` makes some, where the tool is installed (the extra ``inspect``), and
``told.json`` beside them: what the tool itself reads in each. Those of tests/inspect were made so. What they
say of the machine that made them, and the transcripts, are left out.
"""

import json
import signal
import sys
from contextlib import suppress
from pathlib import Path

QUESTIONS = {
    1: ("Is a tram cheaper than a bus?", "B"),
    2: ("Is seven a prime number?", "A"),
    3: ("Is the moon a planet?", "B"),
    4: ("Does ice float?", "A"),
}
ANSWERS = {"ada": "BABA", "bo": "BBBA", "chi": "AABA"}
QUIET = {
    "display": "none",
    "log_level": "error",
    "max_samples": 1,
    "max_connections": 1,
    "log_realtime": False,
}


def model(name, answers):
    """A model that gives these answers, one after the other."""
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    made = [ModelOutput.from_content(f"mockllm/{name}", answer) for answer in answers]
    for one in made:
        one.usage = ModelUsage(input_tokens=40, output_tokens=5, total_tokens=45, total_cost=0.001)
    return get_model(f"mockllm/{name}", custom_outputs=made, memoize=False)


def trams(breaks=None, at=None):
    """A task of multiple choice; at one sample a solver breaks it."""
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import choice
    from inspect_ai.solver import multiple_choice, solver

    @solver
    def breaking():
        async def solve(state, generate):
            if state.sample_id == at:
                breaks()
            return state

        return solve

    samples = [
        Sample(id=number, input=asked, target=target, choices=["yes", "no"])
        for number, (asked, target) in QUESTIONS.items()
    ]
    return Task(
        name="trams",
        dataset=MemoryDataset(samples, "trams"),
        solver=[breaking(), multiple_choice()],
        scorer=choice(),
    )


def sums():
    """A task of free answers; one sample has two targets."""
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import match

    samples = [
        Sample(id="2+2", input="2+2?", target="4"),
        Sample(id="3*3", input="3*3?", target=["9", "nine"]),
    ]
    return Task(name="sums", dataset=MemoryDataset(samples, "sums"), scorer=match())


def fails():
    """Break a sample."""
    raise RuntimeError("the lines were down")


def interrupts():
    """Do as Control-C does."""
    signal.raise_signal(signal.SIGINT)


def spoken(letters):
    """Answers in a sentence."""
    return [f"ANSWER: {letter}" for letter in letters]


def make(folder):
    """Make logs of each kind in folders by their names."""
    from inspect_ai import eval as run

    for name, answers in ANSWERS.items():
        run(trams(), model=model(name, spoken(answers)), log_dir=f"{folder}/panel", **QUIET)
    run(sums(), model=model("ada", "494859"), epochs=3, log_dir=f"{folder}/epochs", **QUIET)
    run(sums(), model=model("ada", "49"), log_dir=f"{folder}/json", log_format="json", **QUIET)
    run(trams(fails, 3), model=model("dee", spoken("BABA")), log_dir=f"{folder}/failed", **QUIET)
    tolerant = QUIET | {"fail_on_error": False}
    run(trams(fails, 3), model=model("eve", spoken("BABA")), log_dir=f"{folder}/sample", **tolerant)
    with suppress(KeyboardInterrupt):  # which older versions pass on
        run(trams(interrupts, 3), model=model("fay", spoken("BABA")), log_dir=f"{folder}/cancelled", **QUIET)


def without_transcripts(folder, to):
    """Write the logs anew, as the tool writes them, without what only swells them."""
    from inspect_ai.log import read_eval_log, write_eval_log

    for path in sorted(Path(folder).glob("*/*.*")):
        log = read_eval_log(str(path))
        if log.error:
            log.error.traceback = log.error.traceback_ansi = ""
        for sample in log.samples:
            sample.events, sample.attachments, sample.messages = [], {}, []
            if hasattr(sample, "events_data"):
                sample.events_data = None
            if sample.error:
                sample.error.traceback = sample.error.traceback_ansi = ""
        name = log.eval.model.partition("/")[2]
        write_eval_log(log, f"{to}/{path.parent.name}/{name}{path.suffix}")


def told(folder):
    """What the tool reads in logs, by their names: who answered what to which sample."""
    from inspect_ai.log import read_eval_log

    found = {}
    for path in sorted(Path(folder).glob("*/*.*")):
        log = read_eval_log(str(path))
        found[f"{path.parent.name}/{path.name}"] = [
            {
                "task": log.eval.task,
                "model": log.eval.model,
                "sample": one.id,
                "epoch": one.epoch,
                "target": one.target,
                "answer": next(iter(one.scores.values())).answer,
                "grade": next(iter(one.scores.values())).value,
                "cost": one.model_usage[log.eval.model].total_cost,
                "time": one.total_time,
            }
            for one in log.samples
            if one.error is None and one.scores
        ]
    return found


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        make(made)
        without_transcripts(made, sys.argv[1])
    Path(sys.argv[1], "told.json").write_text(json.dumps(told(sys.argv[1]), indent=1))
