"""Compressed NDJSON: cut short, damaged, of several members; and how much of a file is read."""

import bz2
import gzip
import hashlib
import json
import lzma
import os
import random
import re
import sys
import time
import zlib

import pyarrow as pa
import pytest

import mastermind_lab as lab
from mastermind_lab.ndjson import FileLimits, lines, packing
from mastermind_lab.ndjson.blocks import _STEP, Block, _gathered

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda text: zstd.compress(text, options={zstd.CompressionParameter.checksum_flag: 1}),
}
CHECKED = {"gz": -8, "bz2": -3, "xz": -1, "zst": -1}  # a byte at the end that alone says what is whole
SMALL = json.dumps({"decision": {"recommendation": "ship", "confidence": 0.5}}).encode()


def envelopes(n):
    """Lines that do not compress well, so that blocks end here and there."""
    for number in range(n):
        decision = {"recommendation": f"r{number}", "confidence": 0.5, "note": os.urandom(60).hex()}
        yield json.dumps({"decision": decision}).encode()


def put(path, content):
    path.write_bytes(content)
    return path


@pytest.fixture(params=PACK)
def kind(request):
    return request.param


@pytest.fixture
def path(tmp_path, kind):
    return tmp_path / f"a.ndjson.{kind}"


class TestCutShort:
    def test_what_came_before_is_kept(self, path, kind):
        bodies = [*envelopes(4_000)]
        pack = (lambda text: bz2.compress(text, 1)) if kind == "bz2" else PACK[kind]
        whole = pack(b"\n".join(bodies))
        for length in (len(whole) // 2, len(whole) - 3):
            history = lab.read(put(path, whole[:length]))
            # bzip2 gives nothing of a block, of 900 kB at most, before it has all of it.
            assert len(history) > 4_000 * length / len(whole) - 900
            got = history.decisions["recommendation"].tolist()
            assert got == [f"r{number}" for number in range(len(got))]
            [reject] = history.rejects.itertuples()
            assert (reject.reason, reject.stream_id) == ("damaged", f"0-{len(got) + 1}")
            assert reject.detail == (
                f"{path.name} cannot be read on: it is cut short. Lines 1 to {len(got):,}, before it, may be "
                "wrong: no checksum confirms them"
            )
            assert history.coverage["note"].tolist() == [reject.detail]

    def test_at_any_byte_of_a_small_file(self, path, kind):
        bodies = [*envelopes(3)]
        whole = PACK[kind](b"\n".join(bodies) + b"\n")
        for length in range(1, len(whole)):
            *before, (_, _, fault) = lines(put(path, whole[:length]))
            assert [text for _, text, _ in before] == bodies[: len(before)]
            # Of what is behind the end of the data, such as an index, nothing is in the lines.
            assert fault.reason == "damaged"
        assert [text for _, text, _ in lines(put(path, whole))] == bodies


class TestMembers:
    def test_are_read_one_after_the_other(self, path, kind):
        first, second, third = envelopes(3)
        packed = PACK[kind]
        content = packed(first + b"\n") + packed(second + b"\n" + third[:9]) + packed(b"") + packed(third[9:])
        assert [text for _, text, _ in lines(put(path, content))] == [first, second, third]

    def test_many_small_ones(self, path, kind):
        content = b"".join(PACK[kind](SMALL + b"\n") for _ in range(300))
        assert len(lab.read(put(path, content))) == 300

    def test_zeros_may_stand_between_them_and_behind(self, path, kind):
        packed = PACK[kind](SMALL + b"\n")
        for between in (20_000, 3 * _STEP - len(packed)):  # up to the end of what is read at once, too
            assert len(lab.read(put(path, packed + bytes(between) + packed + bytes(8)))) == 2

    @pytest.mark.parametrize("stranger", [b"x", b"behind it", SMALL * 1_000, b"\0\0x"])
    def test_what_stands_behind_them_is_a_reject_and_no_line_is_lost(self, path, kind, stranger):
        history = lab.read(put(path, PACK[kind](SMALL + b"\n" + SMALL) + stranger))
        assert history.decisions["stream_id"].tolist() == ["0-1", "0-2"]
        assert history.rejects[["stream_id", "reason"]].values.tolist() == [["0-3", "damaged"]]
        assert "what stands behind its end is no " in history.rejects["detail"][0]
        assert "may be wrong" not in history.rejects["detail"][0]

    def test_a_frame_that_readers_skip(self, tmp_path):
        skipped = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
        path = put(tmp_path / "a.ndjson.zst", skipped + PACK["zst"](SMALL) + skipped)
        assert len(lab.read(path)) == 1


def test_much_of_a_file_is_not_gathered_before_it_goes_on():
    pieces = [Block(b"x" * 2**16)] * 64 + [Block(begins=True)] + [Block(b"y")]
    sizes = [len(block.data) for block in _gathered(pieces)]
    assert sum(sizes) == 64 * 2**16 + 1
    assert 2**16 < max(sizes) <= 2**18 + 2**16


class TestDamage:
    @pytest.mark.once
    @pytest.mark.further
    def test_a_flipped_bit_never_goes_unsaid(self, path, kind):
        chance = random.Random(1)
        bodies = [
            json.dumps(
                {"decision": {"recommendation": f"r{n}", "confidence": round(chance.random(), 9)}}
            ).encode()
            for n in range(300)
        ]
        whole, wrong = PACK[kind](b"\n".join(bodies)), 0
        for _ in range(60):
            flipped = bytearray(whole)
            flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            found = [*lines(put(path, bytes(flipped)))]
            got = [text for _, text, fault in found if not fault]
            if got == bodies and not found[-1][2]:
                continue  # not all bits of a header mean something
            _, _, fault = found[-1]
            assert fault.reason == "damaged"
            if got != bodies[: len(got)]:
                wrong += 1
                assert not got or re.search(r"Lines? 1 .*may be wrong", fault.detail)
        assert wrong or kind != "gz"

    def test_what_is_written_has_a_checksum(self, path, kind):
        lab.read([SMALL] * 20).to_ndjson(path)
        whole = bytearray(path.read_bytes())
        whole[CHECKED[kind]] ^= 1
        history = lab.read(put(path, bytes(whole)))
        assert (len(history), history.rejects["reason"].tolist()) == (20, ["damaged"])

    def test_a_checksum_alone_costs_no_line(self, path, kind):
        bodies = [*envelopes(20)]
        whole = bytearray(PACK[kind](b"\n".join(bodies) + b"\n"))
        whole[CHECKED[kind]] ^= 1
        *before, (_, _, fault) = lines(put(path, bytes(whole)))
        assert [text for _, text, _ in before] == bodies
        assert "Lines 1 to 20, before it, may be wrong" in fault.detail

    @pytest.mark.once
    def test_only_lines_of_the_damaged_member_are_doubted(self, path, kind):
        good, bad = PACK[kind]((SMALL + b"\n") * 3), bytearray(PACK[kind](b"\n".join(envelopes(3_000))))
        # In the last bytes of each stands a checksum, or what is checked by one.
        bad[-5 if kind != "xz" else -20] ^= 4
        history = lab.read(put(path, good + bytes(bad)))
        [detail] = history.rejects["detail"]
        assert f"Lines 4 to {len(history):,}, before it, may be wrong" in detail
        assert history.coverage["note"].tolist() == [detail]
        assert len(history) > 2_000
        [whole] = lab.scan(path)
        assert whole.coverage["note"].tolist() == [detail]
        saved = lab.read(history.save(path.with_name("snapshot")))
        assert saved.coverage["note"].tolist() == [detail]


class TestNames:
    """The first bytes say how a file is compressed, not its name."""

    def test_compressed_without_the_ending(self, tmp_path, kind):
        for name in ("a.ndjson", "a", "a.log", "a.ndjson.zip"):
            assert len(lab.read(put(tmp_path / name, PACK[kind](SMALL)))) == 1

    def test_the_ending_without_being_compressed(self, path):
        assert len(lab.read(put(path, SMALL + b"\nbroken\n" + SMALL))) == 2
        with pytest.warns(lab.NothingDecodedWarning):
            history = lab.read(put(path, b"plain text"))
        assert history.rejects["reason"].tolist() == ["damaged"]
        assert history.rejects["detail"][0].endswith(", as its name says")

    def test_compressed_twice(self, path, kind):
        with pytest.warns(lab.NothingDecodedWarning, match="compressed twice"):
            lab.read(put(path, PACK[kind](PACK[kind](SMALL))))


def test_what_arrow_writes_is_read(tmp_path):
    with pa.output_stream(str(tmp_path / "a.ndjson.zst"), compression="zstd") as stream:
        stream.write(b"\n".join(envelopes(5_000)))
    assert len(lab.read(tmp_path)) == 5_000


@pytest.mark.once
class TestLongLines:
    @pytest.mark.parametrize("end", [b"", b"\n", b"\n" + SMALL + b"\n", b"\r\n" + SMALL])
    @pytest.mark.parametrize("length", [1_001, 2**20, 5_000_000])
    def test_are_rejects_with_head_length_and_hash(self, tmp_path, end, length):
        long = SMALL[:-1] + b", " + b"x" * (length - len(SMALL) - 1)
        path = put(tmp_path / "a.ndjson", SMALL + b"\n" + long + end)
        history = lab.read(path, max_line_bytes=1_000)
        assert len(history) == 1 + end.count(SMALL)
        [reject] = history.rejects.itertuples()
        assert (reject.stream_id, reject.reason, reject.payload) == ("0-2", "too_long", long[:1_000])
        hashed = {hashlib.sha256(text).hexdigest() for text in (long, long + b"\r")}
        assert any(one in reject.detail for one in hashed)
        assert f"a line of {length:,} bytes" in reject.detail or f"a line of {length + 1:,}" in reject.detail
        assert len(
            lab.redecode(lab.read(path, payloads=True, max_line_bytes=1_000).save(tmp_path / "s"))
        ) == len(history)

    def test_one_of_just_so_many_bytes_is_read(self, tmp_path):
        path = put(tmp_path / "a.ndjson", SMALL + b"\n" + SMALL)
        assert len(lab.read(path, max_line_bytes=len(SMALL))) == 2
        assert sum(map(len, lab.scan(path, max_line_bytes=len(SMALL)))) == 2

    @pytest.mark.parametrize("limit", [0, -1, 1.5, "5", True])
    def test_a_limit_that_makes_no_sense(self, limit):
        for name in ("max_line_bytes", "max_unpacked_bytes"):
            with pytest.raises(lab.OptionError, match=f"{name}={limit!r}: expected a whole number"):
                lab.read([], **{name: limit})
        with pytest.raises(lab.OptionError, match="max_line_bytes=None"):
            lab.read([], max_line_bytes=None)

    @pytest.mark.thorough
    @pytest.mark.parametrize("fill", [b"x", b"\n", b"1\n"])
    def test_work_grows_with_the_bytes_whatever_the_lines(self, tmp_path, fill):
        took = []
        for megabytes in (16, 32):
            path = put(tmp_path / "a.ndjson", fill * (megabytes * 2**20 // (1 if fill == b"x" else 64)))
            times = []
            for _ in range(3):
                began = time.process_time()
                for _ in lines(path, 0, FileLimits(line_bytes=2**23)):
                    pass
                times.append(time.process_time() - began)
            took.append(min(times))
        assert took[1] < 3.5 * took[0] + 0.05


class TestBombs:
    @pytest.fixture
    def bomb(self, path, kind):
        return put(path, PACK[kind]((SMALL + b"\n") * 20_000))

    def test_ends_where_it_is_told(self, bomb):
        history = lab.read(bomb, max_unpacked_bytes=100_000)
        assert len(history) == 100_000 // (len(SMALL) + 1)
        [reject] = history.rejects.itertuples()
        assert (reject.reason, reject.stream_id) == ("too_large", f"0-{len(history) + 1}")
        assert "unpack to more than 100,000" in reject.detail
        assert "give a larger max_unpacked_bytes" in reject.detail
        assert history.coverage["note"].tolist() == [reject.detail]
        assert len(lab.read(bomb, max_unpacked_bytes=len(SMALL) * 20_000 + 20_000)) == 20_000

    @pytest.mark.further
    def test_ends_by_itself(self, tmp_path, monkeypatch):
        monkeypatch.setattr("mastermind_lab.ndjson.blocks._FREE", 2**20)
        content = gzip.compress(bytes(2**24))
        *_, (_, _, fault) = lines(put(tmp_path / "a.ndjson.gz", content))
        assert fault.reason == "too_large"
        # What compresses as envelopes do is not touched.
        assert (
            len([*lines(put(tmp_path / "b.ndjson.gz", gzip.compress(b"\n".join(envelopes(20_000)))))])
            == 20_000
        )

    def test_xz_that_asks_for_much_memory_is_refused(self, tmp_path):
        """A quarter of a gigabyte for its dictionary alone, four times what the strongest setting takes."""
        content = bytearray(lzma.compress(SMALL, preset=0))
        place = content.index(b"\x21\x01") + 2  # the filter, one byte about it: the size of its dictionary
        end = 12 + 4 * content[12]  # of what says how the block is packed, behind the file's own beginning
        content[place] = 2 * (28 - 12)
        content[end : end + 4] = zlib.crc32(content[12:end]).to_bytes(4, "little")
        path = put(tmp_path / "a.ndjson.xz", bytes(content))
        with pytest.warns(lab.NothingDecodedWarning, match="Memory usage limit exceeded"):
            lab.read(path)

    def test_a_plain_file_may_have_any_size(self, tmp_path):
        assert len(lab.read(put(tmp_path / "a.ndjson", (SMALL + b"\n") * 100), max_unpacked_bytes=10)) == 100


@pytest.mark.parametrize("make", [packing._Gunzip, packing._bunzip2, packing._unxz])
def test_a_member_is_unpacked_a_little_at_a_time(make):
    pack = {packing._Gunzip: gzip, packing._bunzip2: bz2, packing._unxz: lzma}[make].compress
    unpacker, content = make(), bytes(range(250)) * 40
    found = unpacker.decompress(pack(content) + b"behind", 1_000)
    assert (len(found), unpacker.needs_input, unpacker.eof) == (1_000, False, False)
    while not unpacker.eof:
        found += (some := unpacker.decompress(b"", 1_000))
        assert 0 < len(some) <= 1_000 or unpacker.eof
    assert (found, unpacker.unused_data) == (content, b"behind")
    unpacker = make()
    assert (unpacker.decompress(pack(content)[:9], 1_000), unpacker.needs_input) == (b"", True)
