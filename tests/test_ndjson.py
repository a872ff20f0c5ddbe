"""NDJSON in and out."""

import bz2
import gzip
import json
import lzma
import os
import re

import pyarrow as pa
import pytest
from histories import sample
from refused import no_room, nobody

import mastermind_lab as lab
from mastermind_lab.ndjson import lines, write_lines

VALID = json.dumps({"decision": {"recommendation": "größer", "confidence": 0.5}}, ensure_ascii=False).encode()
ENDINGS = [
    ".ndjson",
    ".jsonl",
    ".ndjson.gz",
    ".jsonl.gz",
    ".ndjson.bz2",
    ".jsonl.xz",
    ".ndjson.zst",
    ".jsonl.zst",
]


def pack(path, content):
    packed = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    if path.suffix in packed:
        path.write_bytes(packed[path.suffix](content))
    elif path.name.endswith(".zst"):
        with pa.output_stream(str(path), compression="zstd") as stream:
            stream.write(content)
    else:
        path.write_bytes(content)
    return path


class TestReading:
    @pytest.mark.parametrize("ending", ENDINGS)
    def test_every_packing(self, tmp_path, ending):
        path = pack(tmp_path / f"a{ending}", VALID + b"\n" + VALID)
        history = lab.read(path)
        assert history.decisions["recommendation"].tolist() == ["größer"] * 2
        assert history.decisions["stream_id"].tolist() == ["0-1", "0-2"]

    def test_ids_name_the_line(self, tmp_path):
        content = b"\xef\xbb\xbf" + VALID + b"\r\n\r\n   \n" + VALID + b"\n\nbroken\n" + VALID
        history = lab.read(pack(tmp_path / "a.ndjson", content))
        assert history.decisions["stream_id"].tolist() == ["0-1", "0-4", "0-7"]
        assert history.rejects[["stream_id", "payload"]].to_records(index=False).tolist() == [
            ("0-6", b"broken")
        ]

    def test_a_mark_in_the_middle_is_no_mark(self, tmp_path):
        history = lab.read(pack(tmp_path / "a.ndjson", VALID + b"\n\xef\xbb\xbf" + VALID))
        assert history.rejects["reason"].tolist() == ["not_json"]

    def test_a_folder_and_a_glob(self, tmp_path):
        for name in ("b.ndjson", "a.jsonl.gz", "c.txt"):
            pack(tmp_path / name, VALID)
        (tmp_path / "d.ndjson").mkdir()
        for source in (tmp_path, str(tmp_path / "*.*n*")):
            history = lab.read(source)
            assert history.decisions["stream_id"].tolist() == ["0-1", "1-1"]
            names = [os.path.basename(one) for one in history.coverage["source"]]
            assert names == ["a.jsonl.gz", "b.ndjson", "d.ndjson"]
            assert history.rejects["detail"].str.endswith("d.ndjson: it is a folder").tolist() == [True]

    def test_lines_longer_than_a_block(self, tmp_path):
        long = json.dumps({"decision": {"recommendation": "x" * 3_000_000, "confidence": 1}}).encode()
        history = lab.read(pack(tmp_path / "a.ndjson.gz", long + b"\n" + VALID))
        assert history.decisions["recommendation"].str.len().tolist() == [3_000_000, 6]

    @pytest.mark.parametrize("ending", [".ndjson.gz", ".ndjson.zst"])
    @pytest.mark.further
    def test_a_file_that_ends_early_keeps_what_came_before(self, tmp_path, ending):
        bodies = [
            json.dumps({"decision": {"recommendation": os.urandom(9).hex(), "confidence": 1}})
            for _ in range(40_000)
        ]
        path = pack(tmp_path / f"a{ending}", "\n".join(bodies).encode())
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        history = lab.read(path)
        assert len(history) > 5_000
        assert history.decisions["recommendation"].tolist() == [
            json.loads(one)["decision"]["recommendation"] for one in bodies[: len(history)]
        ]
        assert history.rejects["reason"].tolist() == ["damaged"]
        assert history.rejects["detail"][0].startswith(f"a{ending} cannot be read on")

    @pytest.mark.parametrize("ending", [".ndjson.gz", ".ndjson.zst"])
    def test_a_file_that_is_something_else(self, tmp_path, ending):
        path = tmp_path / f"a{ending}"
        path.write_bytes(b"plain text")
        with pytest.warns(lab.NothingDecodedWarning):
            assert lab.read(path).rejects["reason"].tolist() == ["damaged"]

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_an_empty_file(self, tmp_path, ending):
        path = tmp_path / f"a{ending}"
        path.touch()
        history = lab.read(path)
        assert (len(history), len(history.rejects)) == (0, 0)
        assert history.coverage["entries"].tolist() == [0]


class TestErrors:
    def test_no_file(self, tmp_path):
        with pytest.raises(lab.SourceError, match="there is no file"):
            lab.read(tmp_path / "none.ndjson")

    def test_a_folder_without_envelopes(self, tmp_path):
        (tmp_path / "notes.txt").write_text("x")
        with pytest.raises(lab.SourceError, match="holds no envelopes"):
            lab.read(tmp_path)

    @pytest.mark.parametrize("source", [b"{}", 7, None, {"a": 1}])
    def test_something_else(self, source):
        with pytest.raises(lab.OptionError, match="cannot read from a"):
            lab.read(source)

    def test_a_folder_that_cannot_be_entered(self, tmp_path):
        path = pack(tmp_path / "a.ndjson", VALID)
        path.chmod(0)
        with nobody(path), pytest.raises(lab.SourceError, match=f"^cannot open {path}: Permission denied"):
            lab.read(path)


class TestLimits:
    def history(self, **limits):
        times = [f"2026-11-{day:02d}T00:00:00Z" for day in range(1, 21)]
        payloads = [VALID[:-1] + f', "published_at": "{time}"}}'.encode() for time in times]
        return lab.read([*payloads, b"broken", VALID], **limits)

    @pytest.mark.parametrize(
        ("limits", "lines", "rejects"),
        [
            ({"last": 3}, [20, 22], 1),
            ({"since": "0-19"}, [19, 20, 22], 1),
            ({"until": "0-2"}, [1, 2], 0),
            ({"since": "2026-11-19"}, [19, 20, 22], 1),
            ({"until": "2026-11-02T00:00:00Z"}, [1, 2, 22], 1),
            ({"since": 1795046400}, [19, 20, 22], 1),
            ({"since": "1795046400000"}, [19, 20, 22], 1),
            ({"since": "1d"}, [19, 20, 22], 1),
            ({"since": "3d", "until": "2d"}, [17, 18, 22], 1),
            ({"since": "2026-11-05", "until": "2026-11-08", "last": 3}, [8, 22], 1),
        ],
    )
    def test_lines_are_cut_by_id_or_by_their_own_time(self, limits, lines, rejects):
        # Lines 21 and 22 have no time, so no limit in time drops them.
        history = self.history(**limits)
        found = [int(one.split("-")[1]) for one in history.decisions["stream_id"]]
        assert (found, len(history.rejects)) == (lines, rejects)
        [entries], [left_out] = history.coverage["entries"], history.coverage["left_out"]
        assert (entries, left_out) == (len(lines) + rejects, 22 - len(lines) - rejects)

    @pytest.mark.parametrize(
        "limits",
        [
            {"last": -1}, {"last": 1.5}, {"last": True}, {"last": "5"}, {"since": "soon"}, {"since": True},
            {"until": float("nan")}, {"until": -5}, {"since": []}, {"since": "1-18446744073709551616"},
            {"since": 1795046400000}, {"since": "5"}, {"since": "1735580000000-0"},
            {"until": "18446744073709551616-0"}, {"until": "18446744073709551616"},
        ],
    )  # fmt: skip
    def test_limits_that_make_no_sense(self, limits):
        [(name, value)] = limits.items()
        with pytest.raises(lab.OptionError, match="^" + re.escape(f"{name}={value!r}: ")):
            lab.read([], **limits)


class TestWriting:
    @pytest.mark.parametrize("ending", ENDINGS)
    def test_what_is_written_is_read(self, tmp_path, ending):
        path = write_lines(tmp_path / "deep" / f"a{ending}", [b'{"a":\r\n1}', "ü".encode()])
        assert [text for _, text, _ in lines(path)] == [b'{"a":  1}', "ü".encode()]

    def test_the_same_content_gives_the_same_bytes(self, tmp_path):
        one, two = (
            write_lines(tmp_path / name, [VALID]).read_bytes() for name in ("a.ndjson.gz", "b.ndjson.gz")
        )
        assert gzip.decompress(one) == gzip.decompress(two)

    def test_it_is_on_the_disk_before_it_has_its_name(self, tmp_path, monkeypatch):
        done, sync, rename = [], os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", lambda one: (done.append(os.fstat(one).st_size), sync(one)))
        monkeypatch.setattr(os, "replace", lambda *names: (done.append("renamed"), rename(*names)))
        write_lines(tmp_path / "a.ndjson", [VALID])
        assert done == [len(VALID) + 1, "renamed"]

    def test_it_is_written_beside_where_it_can_be_renamed(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
        assert write_lines(tmp_path / "a.ndjson", [VALID]).read_bytes() == VALID + b"\n"

    def test_a_name_that_could_not_be_read_back(self, tmp_path):
        with pytest.raises(lab.OptionError, match="name the file"):
            write_lines(tmp_path / "a.csv", [])

    def test_an_interrupted_export_leaves_nothing(self, tmp_path):
        def interrupted():
            yield VALID
            raise KeyboardInterrupt

        (tmp_path / "a.ndjson").write_text("before")
        with pytest.raises(KeyboardInterrupt):
            write_lines(tmp_path / "a.ndjson", interrupted())
        assert [one.name for one in tmp_path.iterdir()] == ["a.ndjson"]
        assert (tmp_path / "a.ndjson").read_text() == "before"

    def test_a_full_disk_is_named(self, tmp_path):
        history, place = sample(200), f"{tmp_path}/a.ndjson"
        for write in (history.to_ndjson, history.save):
            with no_room(10_000), pytest.raises(lab.SourceError, match=f"^cannot write {place}: ") as caught:
                write(place)
            assert "File too large" in str(caught.value)
        assert list(tmp_path.iterdir()) == []
