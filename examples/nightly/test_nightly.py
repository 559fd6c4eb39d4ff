"""What has to hold every night, on every board of the shelf."""


def test_every_byte_is_right(model_under_test):
    validation = model_under_test.validate()
    assert validation.passed, validation.first_difference


def test_the_known_answers_are_given(model_under_test, golden):
    for case in golden:
        model_under_test.reset()
        for output, expected in zip(model_under_test.run(*case.inputs), case.outputs, strict=True):
            assert (output == expected).all()


def test_the_board_finds_itself_in_order(model_under_test):
    assert model_under_test.selftest().passed


def test_the_layers_take_what_the_model_takes(model_under_test):
    result = model_under_test.profile().result
    taken = result.cycles or result.instructions
    assert abs(sum(layer.taken for layer in result.layers) / taken - 1) < 0.05
