"""The texts are from the log of tritonserver 2.51, shortened where a line repeats another."""

import pytest

from fer_server.errors import ModelsError, ServerError, UsageError
from fer_server.logs import explain

BROKEN = r"""
I1122 16:51:34.291946 8251 model_lifecycle.cc:472] "loading: expression:1"
E1122 16:51:34.707477 8251 backend_model.cc:692] "ERROR: Failed to create instance: TritonModelException: ONNX Runtime cannot read /models/expression/1/model.onnx: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from /models/expression/1/model.onnx failed:Protobuf parsing failed.\n\nAt:\n  /tmp/x/execution.py(29): initialize\n"
E1122 16:51:34.707592 8251 model_lifecycle.cc:642] "failed to load 'expression' version 1: Internal: TritonModelException: ONNX Runtime cannot read /models/expression/1/model.onnx: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from /models/expression/1/model.onnx failed:Protobuf parsing failed.\n\nAt:\n  /tmp/x/execution.py(29): initialize\n"
E1122 16:51:34.707661 8251 model_repository_manager.cc:703] "Invalid argument: ensemble 'fer' depends on 'expression' which has no loaded version. Model 'expression' loading failed with error: version 1 is at UNAVAILABLE state: Internal: TritonModelException: ONNX Runtime cannot read /models/expression/1/model.onnx;"
error: creating server: Internal - failed to load all models
"""  # noqa: E501

BACKEND = """
E1122 16:51:30.829234 8112 model_lifecycle.cc:642] "failed to load 'expression' version 1: Invalid argument: unable to find backend library for backend 'tensorrt', try specifying runtime on the model configuration."
error: creating server: Internal - failed to load all models
"""  # noqa: E501

CONFIG = """
[libprotobuf ERROR /tmp/tritonbuild/protobuf/text_format.cc:337] Error parsing text-format inference.ModelConfig: 9:10: Message type "inference.ModelConfig" has no field named "nonsense".
E1122 16:51:37.889978 8401 model_repository_manager.cc:1460] "Poll failed for model directory 'expression': failed to read text proto from /models/expression/config.pbtxt"
E1122 16:51:37.890236 8401 model_repository_manager.cc:703] "Invalid argument: ensemble fer contains models that are not available or ambiguous: expression"
error: creating server: Internal - failed to load all models
"""  # noqa: E501

ENSEMBLE = """
E1122 16:51:46.162078 8738 model_repository_manager.cc:703] "Invalid argument: in ensemble fer, ensemble tensor EXPRESSIONS is mapped from non-existing output EXPRESSIONS in model expression"
error: creating server: Internal - failed to load all models
"""  # noqa: E501

PORT = """
E1122 16:52:07.916579 10293 main.cc:245] "failed to start GRPC service: Unavailable - Socket '0.0.0.0:18555' already in use "
"""  # noqa: E501

OPTION = (
    "tritonserver: unrecognized option '--nope'\nUsage: tritonserver [options]\n  --help\n\tPrint usage\n"
)
STAT = 'I1122 server.cc:302] "Exiting immediately."\nerror: creating server: Internal - failed to stat file /nope\n'


@pytest.mark.parametrize(
    ("log", "kind", "sentence"),
    [
        (
            BROKEN,
            ModelsError,
            "The server cannot load its models: model 'expression': ONNX Runtime cannot read "
            "/models/expression/1/model.onnx: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from "
            "/models/expression/1/model.onnx failed:Protobuf parsing failed.",
        ),
        (
            BACKEND,
            ModelsError,
            "The server cannot load its models: model 'expression': unable to find backend library for backend "
            "'tensorrt', try specifying runtime on the model configuration.",
        ),
        (
            CONFIG,
            ModelsError,
            "The server cannot load its models: model 'expression': failed to read text proto from "
            '/models/expression/config.pbtxt (9:10: Message type "inference.ModelConfig" has no field named '
            '"nonsense").',
        ),
        (
            ENSEMBLE,
            ModelsError,
            "The server cannot load its models: model 'fer': ensemble tensor EXPRESSIONS is mapped from "
            "non-existing output EXPRESSIONS in model expression.",
        ),
        (PORT, ServerError, "The server cannot open its GRPC port: Socket '0.0.0.0:18555' already in use."),
        (
            OPTION,
            UsageError,
            "Neither fer-server nor tritonserver knows the option --nope; see fer-server --help.",
        ),
        (
            STAT,
            ServerError,
            "The server cannot start: failed to stat file /nope; `fer-server` shows the whole log with -v or "
            "--log-file FILE.",
        ),
    ],
)
def test_a_log_becomes_one_sentence(log: str, kind: type[ServerError], sentence: str) -> None:
    error = explain(log, 1)
    assert type(error) is kind
    assert str(error) == sentence


@pytest.mark.parametrize(
    ("returncode", "ending"),
    [(-9, "SIGKILL, which often means too little memory"), (-11, "SIGSEGV"), (3, "exit code 3")],
)
def test_a_log_without_a_reason_says_how_the_server_ended(returncode: int, ending: str) -> None:
    assert f"({ending})" in str(explain('I1122 server.cc:1] "all is well"\n', returncode))


NO_SHARED_MEMORY = r"""
E1130 03:55:10.1 1507 model_lifecycle.cc:642] "failed to load 'fer' version 1: Internal: Unable to initialize shared memory key 'fer-server-1507-ttt580j6-228b' to requested size (1048576 bytes). If you are running Triton inside docker, use '--shm-size' flag to control the shared memory region size. Each Python backend model instance requires at least 1 MB of shared memory. Error: No space left on device"
"""  # noqa: E501
BAD_ALLOC = """
terminate called after throwing an instance of 'St9bad_alloc'
  what():  std::bad_alloc
"""


def test_full_shared_memory_is_no_fault_of_the_models() -> None:
    error = explain(NO_SHARED_MEMORY, 1)
    assert type(error) is ServerError
    assert "No room is left in the shared memory, /dev/shm" in str(error)


def test_want_of_memory_is_named() -> None:
    assert "SIGABRT, for want of memory" in str(explain(BAD_ALLOC, -6))
    assert "(SIGABRT)" in str(explain("", -6))
