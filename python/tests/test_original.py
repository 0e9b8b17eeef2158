"""Hundreds of calls come to the same with the original and with this package, but for what is better on purpose."""

import json
import os
import pathlib
import subprocess
import sys
import unittest


def outcomes(python, original):
    environment = dict(os.environ, IOBEAM_BACKEND="http://127.0.0.1:1/v1/")
    if original:
        environment.pop("PYTHONPATH", None)
    script = str(pathlib.Path(__file__).with_name("behaviour.py"))
    # Elsewhere, so that nothing of this folder is imported by chance.
    done = subprocess.run([python, script], env=environment, cwd="/", stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def is_better(case, theirs, ours):
    """The differences that are meant."""
    return (
        # What is wrong is always a ValueError, where the original stumbled over some of it.
        (theirs, ours) == ("raises TypeError", "raises ValueError")
        # Fractions may be compared with.
        or (case.startswith("Query") and "1.5" in case and theirs == "raises ValueError" and ours == 1.5)
        # A time that 64 bits cannot hold is refused before it is sent.
        or ("1427316488123456, unit=TimeUnit.SECONDS" in case and ours == "raises ValueError")
        # Half a range is half a range.
        or (case == "Query(1).inTimeRange(None, 1).getParams()" and (theirs, ours) == ({}, {"to": 1}))
    )


@unittest.skipUnless(os.environ.get("ORIGINAL_PYTHON"), "ORIGINAL_PYTHON names no Python with the original")
class Original(unittest.TestCase):
    def test_every_call_comes_to_the_same(self):
        theirs = outcomes(os.environ["ORIGINAL_PYTHON"], True)
        ours = outcomes(sys.executable, False)
        self.assertGreater(len(theirs), 500)
        different = {
            case: (theirs[case], ours[case])
            for case in theirs
            if theirs[case] != ours[case] and not is_better(case, theirs[case], ours[case])
        }
        self.assertEqual(different, {})


if __name__ == "__main__":
    unittest.main()
