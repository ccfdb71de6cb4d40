import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxqmri.io import InputError
from jaxqmri.io.acquisition import check_times, from_disk, to_disk


@given(st.floats(1e-3, 1e5))
def test_seconds_and_back(time):
    there = to_disk({"EchoTime": time, "FlipAngle": 30.0, "Name": "x", "SpinLockTime": [time]})
    assert there["FlipAngle"] == 30.0
    assert there["EchoTime"] == pytest.approx(time / 1e3, rel=1e-11)
    assert from_disk(there)["EchoTime"] == pytest.approx(time, rel=1e-11)
    assert from_disk(there)["SpinLockTime"] == [from_disk(there)["EchoTime"]]


@pytest.mark.parametrize("time", [6.312, 12.624, 0.1, 2450.0, 50.496])
def test_decimals_stay_as_they_were_typed(time):
    assert from_disk(to_disk({"EchoTime": time}))["EchoTime"] == time
    assert len(repr(to_disk({"EchoTime": time})["EchoTime"])) <= 9


@pytest.mark.parametrize(
    ("values", "field", "found"),
    [
        ([0.01, 0.02, 0.05], "EchoTime", "--te: EchoTime 0.05 ms looks like seconds, expected ms"),
        ([1e4, 2e4], "EchoTime", "--te: EchoTime 20000 ms looks like another unit, expected ms"),
        ([0.0, 0.01, 0.03], "SpinLockTime", "0.03 ms looks like seconds"),
        ([0.05, 4.0], "InversionTime", "4 ms looks like seconds"),
        ([0.1, 0.3], "FlipAngle", "0.3 degrees looks like radians, expected degrees"),
        ([10.0, 20.0, 10.0], "EchoTime", "10 ms appears twice"),
        ([10.0, np.nan], "EchoTime", "is nan ms, expected a finite number"),
        ([10.0, np.inf], "EchoTime", "is inf ms, expected a finite number"),
        ([10.0, -1.0], "EchoTime", "is -1 ms, expected a finite number, zero or above"),
    ],
)
def test_times_that_cannot_be_meant(values, field, found):
    with pytest.raises(InputError, match=found):
        check_times(values, field, ["--te"] * len(values))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ([0, 10, 30, 50], "SpinLockTime"),
        ([0.03, 0.5, 2.5], "EchoTime"),
        ([20.0, 4000.0, 300.0], "InversionTime"),
        ([2.0, 5.0, 12.0], "FlipAngle"),
        ([], "EchoTime"),
    ],
)
def test_real_protocols_pass(values, field):
    check_times(values, field, ["--te"] * len(values))


def test_reading_and_writing_need_no_jax():
    code = "import sys; from jaxqmri.io import bids, dicom, staging; print('jax' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
