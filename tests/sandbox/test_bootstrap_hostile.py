"""Code that attacks its own runner changes its own result at most."""

from pathlib import Path

import pytest

from tests.sandbox.bare_node import BOOTSTRAP, on_both, run_function

KINDS = ["json", "text", "lists", "objects", "functions", "files"]


@on_both
@pytest.mark.parametrize("kind", KINDS)
def test_it_reports_the_real_error_whatever_is_patched(kind: str, node: Path, tmp_path: Path) -> None:
    ended = run_function("poisons_prototypes.cjs", tmp_path, node=node, event={"kind": kind, "fail": True})
    assert (ended.reason, ended.exit_code) == ("error", 0)
    assert ended.error["message"] == "the real error"
    assert (ended.error["hint"], ended.error["file"]) == (None, "index.cjs")


@on_both
@pytest.mark.parametrize("kind", KINDS)
def test_it_reports_the_real_result_whatever_is_patched(kind: str, node: Path, tmp_path: Path) -> None:
    ended = run_function("poisons_prototypes.cjs", tmp_path, node=node, event={"kind": kind})
    assert ended.frame is not None
    assert (ended.frame["ok"], ended.frame["reason"], ended.result) == (True, "ok", 7)


@on_both
def test_it_keeps_the_nonce_out_of_reach(node: Path, tmp_path: Path) -> None:
    result = run_function("searches_nonce.cjs", tmp_path, node=node).result
    assert result["enough"] is True
    assert result["found"] == ["planted.items.0.1.text"]
    assert set(result["modules"]) == {BOOTSTRAP.name, "realm.cjs", "threads.cjs", "index.cjs"}


@on_both
def test_it_does_not_know_the_nonce_of_a_forged_frame(node: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="two frames"):
        run_function("forges_frame.mjs", tmp_path, node=node)
