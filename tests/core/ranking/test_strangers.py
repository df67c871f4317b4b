"""How the strangers that look as much alike as a candidate are told."""

from __future__ import annotations

import numpy as np
import pytest

from qaconv_core.ranking.line import Line, percent_words
from qaconv_core.ranking.strangers import Strangers


@pytest.mark.parametrize(
    ("n", "alike", "cohort", "words"),
    [
        (3.16, 0, 107,
         "none of 107 strangers looks as much alike: at most 0.93 %, the least that 107 can show"),
        (1.0, 0, 107,
         "none of 107 strangers looks as much alike: at most 0.93 %, the least that 107 can show; "
         "by the normal distribution 15.9 %"),
        (3.16, 9, 107, "9 of 107 strangers look as much alike; by the normal distribution 0.079 %"),
        (9.0, 9, 107,
         "9 of 107 strangers look as much alike; by the normal distribution 1.1e-17 %"),
        (3.16, 1, 1_199, "1 of 1,199 strangers looks as much alike"),
        (1.3, 9, 107, "9 of 107 strangers look as much alike"),
        (0.0, 0, 0, "there are no strangers to compare with"),
    ],
)  # fmt: skip
def test_the_count_is_never_told_as_the_normal_share(n, alike, cohort, words):
    found = Strangers(np.array([n]), np.array([alike]), np.array([cohort]), Line(3.0, 0.1, cohort))
    assert found.share_words(0) == words
    assert found.record(0)["share_least"] == found.least_share(0) <= found.counted_share(0)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.3, "30.0 %"), (0.015, "1.5 %"), (0.00079, "0.079 %"), (1e-9, "1e-07 %"), (0, "0.0 %")],
)
def test_small_shares_keep_their_digits(share, words):
    assert percent_words(share) == words
