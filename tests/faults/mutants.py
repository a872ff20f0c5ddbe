"""Take one guard out at a time, and show that tests notice it.

    python tests/faults/mutants.py [words of a guard's name ...]

Each guard keeps one promise of the README's section "What we promise, and how it is tested". A copy of the
package loses it, and the tests beside it are run on that copy: they must go red. What they let pass is named
at the end, and the exit code is 1.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
TIMEOUT = 300  # seconds; a test that hangs without a guard has noticed


class Guard(NamedTuple):
    """Some code that keeps a promise, what stands there without it, and the tests that notice."""

    promise: str
    file: str
    code: str
    without: str
    tests: str


GUARDS = [
    Guard(
        "a file is synced before it gets its name",
        "storage/local.py",
        "            rest = rest[os.write(descriptor, rest) :]\n        os.fsync(descriptor)\n",
        "            rest = rest[os.write(descriptor, rest) :]\n",
        "test_snapshot_faults.py::test_the_power_fails_after_every_operation",
    ),
    Guard(
        "a folder is synced after a name in it has changed",
        "storage/local.py",
        "            raise\n        sync(target.parent)\n",
        "            raise\n",
        "test_snapshot_faults.py::test_the_power_fails_after_every_operation",
    ),
    Guard(
        "a file is written beside, and renamed when it is whole",
        "storage/local.py",
        'half = target.with_name(f".{target.name}{HALF}")',
        "half = target",
        "test_snapshot_faults.py::test_killed_at_every_operation",
    ),
    Guard(
        "the decisions come last, and commit their range",
        "snapshot/commits.py",
        "    child_tables = parallel_map(",
        '    encoded_rows = encoded(rows["decisions"], {"format": str(FORMAT)})\n'
        "    target.write(path, encoded_rows)\n"
        "    child_tables = parallel_map(",
        "test_snapshot_faults.py::test_killed_at_every_operation",
    ),
    Guard(
        "a child table is the one that was committed",
        "snapshot/reading.py",
        'if sha256(content) not in (noted["sha256"], *noted.get("next", ())):',
        "if False:",
        "test_snapshot_verify.py::TestVerify",
    ),
    Guard(
        "a decisions part is as it was written",
        "snapshot/footer.py",
        "if start < 0 or hashed.hexdigest().encode() != noted:",
        "if False:",
        "test_snapshot_verify.py::TestVerify",
    ),
    Guard(
        "a footer says what was written",
        "snapshot/footer.py",
        "if metadata.get(METADATA_HASH) not in (None, metadata_hash(metadata)):",
        "if False:",
        "test_snapshot_verify.py",
    ),
    Guard(
        "payloads are for their owner alone",
        "storage/local.py",
        "0o600 if private else 0o666",
        "0o666",
        "test_archive.py test_snapshot.py test_snapshot_limits.py",
    ),
    Guard(
        "a pipe in a file's place is refused, not waited for",
        "storage/local.py",
        'flags | getattr(os, "O_NONBLOCK", 0)',
        "flags",
        "test_snapshot_limits.py test_ndjson_files.py test_places.py",
    ),
    Guard(
        "one writer a folder",
        "storage/lock.py",
        "        if not is_ours:\n",
        "        if False:\n",
        "test_lock.py",
    ),
    Guard("a lock is no link", "storage/lock.py", 'getattr(os, "O_NOFOLLOW", 0)', "0", "test_lock.py"),
    Guard(
        "no entry is written twice",
        "archive/archiver.py",
        "dropwhile(lambda entry: id_key(entry[0]) <= last, update.entries)",
        "update.entries",
        "test_archive.py",
    ),
    Guard(
        "two writers of an object store notice each other",
        "archive/archiver.py",
        "        if ours != theirs:",
        "        if False:",
        "test_snapshot_urls.py test_archive.py",
    ),
    Guard(
        "the cursor's entry and the reading are of one moment",
        "stream/replies.py",
        "        raw, figures = yield [entries, info]",
        "        [raw] = yield [entries]\n        [figures] = yield [info]",
        "faults/test_following.py::TestLines::test_what_changes_while_a_reply_is_on_its_way",
    ),
    Guard(
        "an id that was garbled on its way is no id",
        "stream/replies.py",
        "if not _ID.fullmatch(entry_id):",
        "if False:",
        "faults/test_following.py",
    ),
    Guard(
        "a stream rolled back below the cursor is a new epoch",
        "stream/cursor.py",
        "if id_key(now.last_generated) < id_key(self.place):",
        "if False:",
        "test_stream_account.py",
    ),
    Guard(
        "another entry under the cursor's id is a new epoch",
        "stream/cursor.py",
        "if was_read and own and not _is_same(self._known[-1], own):",
        "if False:",
        "test_archive.py test_stream_reader.py test_stream_account.py",
    ),
    Guard(
        "more entries than were ever added are a new epoch",
        "stream/cursor.py",
        "return self.ordinal + fresh > now.added or (self._is_passed(now) and gone < self.ordinal)",
        "return False",
        "test_stream_reader.py test_stream_account.py test_archive.py",
    ),
    Guard(
        "what was trimmed unread is counted",
        "stream/cursor.py",
        "missing = now.added - there - self.ordinal if look.is_whole or is_passed else 0",
        "missing = 0",
        "test_stream_account.py test_stream_reader.py",
    ),
    Guard(
        "what may have been deleted makes a count an upper bound",
        "stream/cursor.py",
        '"exact" if is_exact else "at most"',
        '"exact"',
        "test_stream_account.py",
    ),
    Guard(
        "the end of a stream is looked up once",
        "stream/contract.py",
        "return _cursor_behind(latest[0][0], latest)",
        'return _cursor_behind("0-0")',
        "test_stream.py",
    ),
    Guard(
        "old and new entries of a stream are not mixed",
        "stream/pages.py",
        "if before and after and self._is_another(before, after):",
        "if False:",
        "test_stream_account.py test_stream.py",
    ),
    Guard(
        "a reply without an end is given up",
        "stream/bounded.py",
        "        if left < 0:",
        "        if False:",
        "test_stream_limits.py",
    ),
    Guard(
        "a wrong password is a lasting fault",
        "stream/connection.py",
        "fault.NoPermissionError):\n        return True",
        "fault.NoPermissionError):\n        return False",
        "test_stream_reader.py test_stream.py",
    ),
    Guard(
        "a wait between two tries grows",
        "stream/connection.py",
        "return longest * _JITTER.uniform(0.5, 1)",
        "return 0.0",
        "faults/test_wrong_servers.py",
    ),
    Guard(
        "a password is in no message",
        "wire.py",
        'return re.sub(_PARAMETER, rf"\\1={ELLIPSIS}", re.sub(_NO_HOST, rf"\\1{ELLIPSIS}", shown))',
        "return place",
        "test_secrets.py",
    ),
    Guard(
        "a terminal gets no control characters",
        "text.py",
        "return text if text.isprintable() else _replaced(text, str.isprintable, unfit)",
        "return text",
        "test_text.py",
    ),
    Guard(
        "a page gets no tags from an envelope",
        "widget/text.py",
        "<bdi>{escape(text)}</bdi>",
        "<bdi>{text}</bdi>",
        "test_widget.py test_text.py",
    ),
    Guard(
        "text in a picture is no mathematics",
        "charts/drawing/fonts.py",
        'in ("parse_math", "usetex"):\n            return False',
        'in ("parse_math", "usetex"):\n            return True',
        "test_charts.py test_charts_text.py",
    ),
    Guard(
        "a newer version of the contract is skipped",
        "envelope.py",
        '        return Reject("version", f"schema',
        '        Reject("version", f"schema',
        "test_envelope.py test_decode.py",
    ),
    Guard(
        "a file that unfolds to far more than it has is not read on",
        "ndjson/blocks.py",
        "return most_unpacked(self._read, self._most, free=_FREE, times=_TIMES)",
        "return 2**60",
        "test_ndjson_compressed.py",
    ),
    Guard(
        "a footer names no tables and places but those that we know",
        "snapshot/footer.py",
        "if name in metadata and not is_ours(parsed(name, metadata[name])):",
        "if False:",
        "test_strangers.py",
    ),
    Guard(
        "a footer claims no more bytes than any of ours has",
        "snapshot/footer.py",
        "if (claimed := tail_length(tail)) > MOST_BYTES:",
        "if (claimed := tail_length(tail)) > 2**60:",
        "test_bombs.py",
    ),
    Guard(
        "pages that unfold too far are not read",
        "snapshot/unfolded.py",
        "if unfolded > allowed:",
        "if False:",
        "test_bombs.py",
    ),
    Guard(
        "texts that unfold too far are not read",
        "snapshot/unfolded.py",
        "    _refuse(sum(_text_bytes(chunk)",
        "    (lambda *_: None)(sum(_text_bytes(chunk)",
        "test_bombs.py",
    ),
    Guard(
        "a reply that claims to be huge is not waited for",
        "stream/bounded.py",
        "        if self._to_look_at > 0:",
        "        if False:",
        "test_stream_limits.py",
    ),
    Guard(
        "a password is in no pickle",
        "wire.py",
        "return _loaded, (without_password(self),)",
        "return SecretUrl, (str(self),)",
        "test_secrets.py",
    ),
    Guard(
        "what a restored stream brings back is not read twice",
        "stream/cursor.py",
        "new = [entry for entry in fresh if _mark(entry) not in known] if known else fresh",
        "new = fresh",
        "test_stream_lineage.py",
    ),
    Guard(
        "a stream that begins again has ids of its own",
        "stream/cursor.py",
        "        self.epoch += is_reset\n",
        "",
        "test_stream_reader.py test_archive.py",
    ),
    Guard(
        "a follower whose archive is full reads no further",
        "archive/archiver.py",
        "return self.size > _MOST_PARTS * self.part_bytes",
        "return False",
        "test_live.py::TestArchivingWithoutRoom",
    ),
    Guard(
        "of a day on which a stream began again, ids tell no time",
        "frames/limits.py",
        "(first[1], last[1]) if first[0] == last[0] else (-inf, inf)",
        "(first[1], last[1])",
        "test_history_pruned.py",
    ),
    Guard(
        "a part says of its stream what was so when its last entry came",
        "archive/archiver.py",
        "        begins_again = update.reset or (",
        "        begins_again = (",
        "test_archive.py::TestASink",
    ),
    Guard(
        "a checkpoint that cannot tell of each part is not written on",
        "snapshot/opening.py",
        "        forget(target)\n        return note(folder, opened(folder))\n",
        "        before = ()\n",
        "test_snapshot_checkpoint.py",
    ),
    Guard(
        "nobody saves over what another writes to",
        "snapshot/save.py",
        'nullcontext() if there.is_empty() else there.lock("a save")',
        "nullcontext()",
        "test_snapshot.py test_lock.py",
    ),
    Guard(
        "what others archived while a follower was stopped is counted",
        "live/follower.py",
        "            self._leave_out(store)\n",
        "",
        "test_live.py::TestArchiving",
    ),
]  # fmt: skip


def source_of(guard: Guard) -> str:
    return (PROJECT / "mastermind_lab" / guard.file).read_text(encoding="utf-8")


def is_noticed(guard: Guard, place: Path) -> bool:
    """Tell whether tests go red on a copy of the package without a guard."""
    copy = place / "mastermind_lab"
    shutil.copytree(PROJECT / "mastermind_lab", copy, ignore=shutil.ignore_patterns("__pycache__"))
    changed = source_of(guard).replace(guard.code, guard.without)
    (copy / guard.file).write_text(changed, encoding="utf-8")
    tests = [f"tests/{one}" for one in guard.tests.split()]
    options = ["-q", "-x", "-n", "0", "-m", "", "-p", "no:cacheprovider", f"--basetemp={place / 'tests'}"]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pytest", *options, *tests],
            cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(place)}, capture_output=True, text=True,
            timeout=TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1):
        raise SystemExit(f"the tests of {guard.promise!r} did not run:\n{done.stdout[-2_000:]}")
    return done.returncode == 1


def main(words: list[str]) -> int:
    chosen = [one for one in GUARDS if not words or any(word in one.promise for word in words)]
    passed = []
    for guard in chosen:
        with tempfile.TemporaryDirectory() as place:
            noticed = is_noticed(guard, Path(place))
        sys.stdout.write(f"{'noticed' if noticed else 'NOT NOTICED'}  {guard.promise}\n")
        sys.stdout.flush()
        passed += [guard] * (not noticed)
    sys.stdout.write(f"{len(chosen) - len(passed)} of {len(chosen)} guards are noticed\n")
    return bool(passed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
