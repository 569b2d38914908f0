"""By its content an input is known again."""

from pathlib import Path

from fer_client.media.fingerprints import fingerprint
from support.inputs import touch


class TestFingerprint:
    def test_content_decides_not_place_or_date(self, tmp_path: Path) -> None:
        data = bytes(range(256)) * 4096
        for name, content in (("a", data), ("b", data), ("c", data[:-1] + b"!"), ("d", data + b"!")):
            (tmp_path / name).write_bytes(content)
        marks = [fingerprint([tmp_path / name]) for name in "abcd"]
        assert marks[0] == marks[1]
        assert len(set(marks)) == 3

    def test_a_file_that_cannot_be_read_counts_as_such(self, tmp_path: Path) -> None:
        touch(tmp_path, "a", "b")
        paths = [tmp_path / "a", tmp_path / "b"]
        whole = fingerprint(paths)
        paths[1].unlink()
        assert fingerprint(paths) == fingerprint(paths) != whole
        paths[1].touch()
        assert fingerprint(paths) != whole

    def test_of_several_files_the_names_count(self, tmp_path: Path) -> None:
        touch(tmp_path, "a", "b", "c")
        assert fingerprint([tmp_path / "a", tmp_path / "b"]) != fingerprint([tmp_path / "a", tmp_path / "c"])
