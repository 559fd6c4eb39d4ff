"""Failures of what the tests share are shown as those of the tests."""

import pytest

pytest.register_assert_rewrite("check_lists", "engine_bench", "joined_graphs")
