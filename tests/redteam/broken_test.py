"""Each defence is taken away, one at a time: the red team's run then turns red, and names the attack that it is for.

    broken_test.py BIN PGEXT [--all] [unittest arguments]

Without --all, of the attacks that have to notice only the quickest is tried.
"""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import redteam  # noqa: E402
from defences import BREAKS  # noqa: E402
from report import RED  # noqa: E402
from world import AS_ROOT  # noqa: E402

ALL = "--all" in sys.argv
# Taken away, nothing is got: what is missing is that somebody hears of it, or that the search was shown to see.
WITHOUT_A_SECRET = {"auditor": "it was not noticed", "controls": "a control was not found"}
TWO_USERS = {"roles", "key-file"}


class Broken(unittest.TestCase):
    """A test a defence, made below."""

    def turns_red(self, name):
        if name in TWO_USERS and not AS_ROOT:
            self.skipTest("needs root, to be several users")
        expected = BREAKS[name][1] if ALL else BREAKS[name][1][:1]
        if not AS_ROOT:
            expected = [attack for attack in expected if attack != "T14"]
        outcomes, _ = redteam.run("tiny", name, expected, lambda text: None)
        problem = WITHOUT_A_SECRET.get(name, "a secret was got")
        for outcome in outcomes:
            with self.subTest(attack=outcome.attack):
                self.assertEqual(outcome.verdict, RED)
                self.assertEqual(outcome.failure, "")
                self.assertTrue(any(one.startswith(problem) for one in outcome.problems), outcome.problems)
        self.assertEqual({outcome.attack for outcome in outcomes}, set(expected))


def _test_of(name):
    return lambda self: self.turns_red(name)


for _name in BREAKS:
    setattr(Broken, f"test_without_{_name.replace('-', '_')}", _test_of(_name))


if __name__ == "__main__":
    if ALL:
        sys.argv.remove("--all")
    if len(sys.argv) < 3:
        sys.exit("usage: broken_test.py BIN PGEXT [--all] [unittest arguments]")
    redteam.use(*(pathlib.Path(sys.argv.pop(1)) for _ in range(2)))
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(verbosity=2)
