"""Folders of runs as `jointrange run` leaves them, made without an engine, and bundles of them."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from range.bundle import folder, names
from range.bundle.keys import PrivateKey, load_private, new
from range.bundle.record import RunRecord, judged
from range.bundle.sealing import seal
from range.report.data import to_json
from tests.builders import a_demo_result

SPARE = "inputs/tools/suricata/local rules.yaml"


def a_run_folder(path: Path, **changes: Any) -> Path:
    """A finished run that nobody has sealed yet: its record, inputs, trials, a capture and the result."""
    result = a_demo_result(**changes)
    record = RunRecord(result.run, result.rules, result.arms, order=(), finished=True)
    folder.save_run(path, record)
    folder.save_inputs(path, {"campaign.yaml": b"name: demo\n", "tools/suricata/local rules.yaml": b"- one\n"})
    for one in result.judged:
        folder.save_trial(path, one.trial)
    capture = path / names.trial_folder("defended", 1) / names.CAPTURES / "dmz.pcap.gz"
    folder.write(capture, gzip.compress(bytes(3000), mtime=0))
    folder.write(path / names.TRIALS / "defended-1" / names.LOGS / "web.log", b"")
    conclude_again(path)
    return path


def conclude_again(path: Path) -> None:
    """Write the result that follows from what is in the folder."""
    result = judged(folder.load_run(path), folder.load_trials(path))
    folder.write(path / names.RESULT, to_json(result).encode("utf-8"))


def a_bundle(path: Path, *signers: str, **changes: Any) -> Path:
    """A sealed run in `path`, signed by new keys of these names, which are put beside it."""
    run = a_run_folder(path / "r-7f3a", **changes)
    return seal(run, path / "r-7f3a.bundle", a_pair_each(path, signers))


def a_pair_each(path: Path, signers: Sequence[str]) -> list[PrivateKey]:
    """New keys in files beside each other."""
    for name in signers:
        new(name, path)
    return [load_private(path / f"{name}.key") for name in signers]


def spoil(bundle: Path) -> Path:
    """The bundle with one letter of the campaign's file changed."""
    bundle.write_bytes(bundle.read_bytes().replace(b"name: demo\n", b"name: dEmo\n"))
    return bundle


def owners(bundle: Path) -> list[tuple[int, str]]:
    """(first byte, entry) of every entry, and of the end, by tarfile: where each byte of a bundle belongs."""
    with tarfile.open(bundle) as archive:
        members = archive.getmembers()
    last = members[-1]
    end = last.offset_data + -(-last.size // 512) * 512
    return [*((one.offset, one.name) for one in members), (end, "the end of the archive")]
