import numpy as np
import pytest

from fer_server.backends.onnxruntime.batching import allocate, group, join, split


def rows(count: int, start: int = 0) -> np.ndarray:
    return np.arange(start, start + count * 2, dtype=np.float32).reshape(count, 2)


def test_requests_of_the_same_row_shape_share_a_run() -> None:
    shapes = {0: ((2, 4),), 1: ((1, 5),), 2: ((3, 4),)}
    assert group(shapes, batched=True) == [[0, 2], [1]]
    assert group(shapes, batched=False) == [[0], [1], [2]]


def test_join_then_split_gives_each_request_its_own_rows() -> None:
    requests = [(rows(1), rows(1, 50)), (rows(3, 10), rows(3, 60)), (rows(2, 20), rows(2, 70))]
    joined = join(requests, [None, None])
    assert [array.shape for array in joined] == [(6, 2), (6, 2)]
    for request, back in zip(requests, split(joined, [1, 3, 2]), strict=True):
        for sent, received in zip(request, back, strict=True):
            np.testing.assert_array_equal(sent, received)
            assert received.flags.c_contiguous


def test_one_request_is_not_copied() -> None:
    request = (rows(4),)
    assert join([request], [np.empty((8, 2), np.float32)])[0] is request[0]


def test_a_buffer_with_room_is_used_and_one_without_is_not() -> None:
    buffer = np.empty((4, 2), np.float32)
    (fits,) = join([(rows(1),), (rows(3),)], [buffer])
    assert np.shares_memory(fits, buffer)
    (grows,) = join([(rows(2),), (rows(3),)], [buffer])
    assert not np.shares_memory(grows, buffer)
    assert grows.shape == (5, 2)


@pytest.mark.parametrize("output", [np.zeros((2, 3)), np.zeros(()), np.zeros((4, 3))])
def test_an_output_without_a_row_per_row_of_the_batch_is_refused(output: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"an output of shape .* for a batch of 3"):
        split((output,), [1, 2])


def test_memory_is_kept_for_inputs_of_fixed_size_alone() -> None:
    fixed, variable, scalar = allocate(
        [((3, 2), np.dtype(np.uint8)), ((-1, 2), np.dtype(np.uint8)), ((), np.dtype(np.int64))], 5
    )
    assert fixed is not None
    assert scalar is not None
    assert (fixed.shape, fixed.dtype) == ((5, 3, 2), np.uint8)
    assert variable is None
    assert (scalar.shape, scalar.dtype) == ((5,), np.int64)
