"""What a served model must take and give, and the sentence where it does not."""

from pathlib import Path

import pytest

from fer_client.contract import LABELS, four_category_columns, read_contract
from fer_client.errors import ContractError
from support.command import Command, assert_fails
from support.protocol_server import ProtocolServer


def test_contract_reads_triton_json_with_sizes_as_text() -> None:
    metadata = {
        "versions": ["2", "10"],
        "inputs": [{"name": "FACES", "datatype": "UINT8", "shape": ["-1", "96", "96", "1"]}],
        "outputs": [{"name": "EXPRESSION", "datatype": "FP32", "shape": ["-1", "2"]}],
    }
    config = {"max_batch_size": 8, "parameters": {"labels": {"string_value": '["calm", "lively"]'}}}
    contract = read_contract(metadata, config)
    assert (contract.crop_shape, contract.labels, contract.version) == ((96, 96, 1), ("calm", "lively"), "10")
    assert not contract.has_valence_arousal
    affect = {"name": "VALENCE_AROUSAL", "datatype": "FP32", "shape": ["-1", "2"]}
    both = metadata | {"outputs": [*metadata["outputs"], affect]}
    assert read_contract(both, config).has_valence_arousal
    assert read_contract(both, config).affect_statement == ""
    with pytest.raises(ContractError, match="max_batch_size"):
        read_contract(metadata, config | {"max_batch_size": 0})
    with pytest.raises(ContractError, match="distinct"):
        read_contract(metadata, config | {"parameters": {"labels": {"string_value": '["calm", "calm"]'}}})


def test_four_categories_are_columns_of_the_labels() -> None:
    assert [LABELS[column] for column in four_category_columns(LABELS)] == [
        "angry",
        "happy",
        "neutral",
        "sad",
    ]


class TestOtherModels:
    def test_other_input(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.input_name = "IMAGE"
        assert_fails(run(face_video), 5, "FACES", "IMAGE")

    def test_other_type(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.input_type = "FP32"
        assert_fails(run(face_video), 5, "UINT8", "FP32")

    def test_other_shape(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.crop_shape = (96, 96, 4)
        assert_fails(run(face_video), 5, "[-1, 96, 96, 4]")

    def test_labels_that_do_not_fit_the_output(
        self, run: Command, face_video: Path, server: ProtocolServer
    ) -> None:
        server.output_width = 8
        assert_fails(run(face_video), 5, "[batch, 7]", "[-1, 8]")

    def test_labels_missing(self, run: Command, face_video: Path, server: ProtocolServer) -> None:
        server.labels = []
        assert_fails(run(face_video), 5, "`labels`")
