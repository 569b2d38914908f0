from fer_server.restriction import restrictions


def closed(*arguments: str) -> dict[str, set[str]]:
    """What is closed for good, by option."""
    options = (text.partition("=") for text in restrictions(arguments))
    return {name: set(value.partition(":")[0].split(",")) for name, _, value in options}


def test_everything_that_serving_does_not_need_is_closed() -> None:
    needless = {"shared-memory", "model-repository", "trace", "logging"}
    assert closed() == {"--grpc-restricted-protocol": needless, "--http-restricted-api": needless}


def test_the_key_is_of_no_use_to_who_reads_the_command_line_and_never_the_same() -> None:
    first, second = list(restrictions([])), list(restrictions([]))
    assert all("\n=" in text for text in first)
    assert not {text.rpartition("=")[2] for text in first} & {text.rpartition("=")[2] for text in second}


def test_what_the_user_gives_a_key_to_is_the_users() -> None:
    found = closed(
        "--grpc-restricted-protocol=shared-memory,health:mine=1", "--grpc-restricted-protocol", "trace:its=2"
    )
    assert found["--grpc-restricted-protocol"] == {"model-repository", "logging"}
    assert "shared-memory" in found["--http-restricted-api"]


def test_where_the_user_gives_keys_to_all_nothing_is_added() -> None:
    own = "--http-restricted-api=shared-memory,model-repository,trace,logging:mine=1"
    assert list(closed(own)) == ["--grpc-restricted-protocol"]
