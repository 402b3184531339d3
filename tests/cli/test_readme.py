"""README's quick start, typed as it stands there: each line does what it and the comment beside it say."""

import pathlib
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import DEADLINE_S, Programs, Service, clean_environment  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()


def section(name):
    return re.search(rf"^## {name}$(.*?)^## ", README, re.MULTILINE | re.DOTALL).group(1)


def blocks(text):
    """(language, text) of each fenced block."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class QuickStart(unittest.TestCase):
    """The service's block, then one shell that reads the others line by line."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()  # as README's first block does
        cls.addClassCleanup(cls.service.close)
        cls.folder = cls.service.folder / "try"
        start, *cls.blocks = blocks(section("Quick start"))
        assert start == ("sh", "build/release/bin/cofferd dev\n"), start
        cls.lines = [line for language, text in cls.blocks if language == "sh" for line in text.splitlines()]
        cls.done = cls.type_all()

    @classmethod
    def replaced(cls, text, pattern, by):
        changed, count = re.subn(pattern, lambda _: by, text)
        assert count == 1, f"README has {pattern} {count} times"
        return changed

    @classmethod
    def type_all(cls):
        """What each line printed, what it said, and its exit code."""
        script = ""
        for language, text in cls.blocks:
            if language == "toml":
                script += f"cat > catalog.toml <<'END'\n{text}END\n"
                continue
            for line in text.splitlines():
                script += f"{line}\ncode=$?; echo; echo \"== $code\"; echo >&2; echo == >&2\n"
        script = cls.replaced(script, r"(?<=export COFFER_SERVER=)\S+", cls.service.server)
        script = cls.replaced(script, r"\$PWD/build/release/bin", str(Programs.bin))
        script = cls.replaced(script, r"mkdir /tmp/try && cd /tmp/try", f"mkdir '{cls.folder}' && cd '{cls.folder}'")
        ran = subprocess.run(["bash"], input=script, capture_output=True, text=True, timeout=DEADLINE_S, cwd=ROOT,
                             env=clean_environment(), check=False)
        printed = re.findall(r"(.*?)\n== (\d+)\n", ran.stdout, re.DOTALL)
        said = re.findall(r"(.*?)\n==\n", ran.stderr, re.DOTALL)
        assert len(printed) == len(said) == len(cls.lines), ran.stdout + ran.stderr
        return {line: (out, err, int(code)) for line, (out, code), err in zip(cls.lines, printed, said)}

    def only(self, part):
        found = [line for line in self.lines if part in line]
        self.assertEqual(len(found), 1, part)
        return found[0], self.done[found[0]]

    def test_each_line_works_unless_it_says_that_it_is_refused(self):
        refused = [line for line in self.lines if line.endswith("# refused")]
        self.assertEqual(len(refused), 1)
        for line in self.lines:
            with self.subTest(line=line):
                out, err, code = self.done[line]
                self.assertEqual(code, 1 if line in refused else 0, out + err)

    def test_what_comments_promise_is_there(self):
        self.assertTrue((self.folder / "catalog.lock").is_file())
        line, (out, _, _) = self.only("cat stored.jsonl")
        promised = line.partition("# ")[2].removesuffix('..."')
        self.assertTrue(promised.startswith('"password":"'))
        self.assertIn(promised, out)
        self.assertNotIn("hunter2", out)

    def test_the_value_comes_back_and_the_edited_record_is_refused(self):
        _, (out, _, _) = self.only("decrypt --field shop.connection.password --row uuid < stored.jsonl")
        self.assertEqual(out, (self.folder / "plain.jsonl").read_text())
        self.assertIn("hunter2", out)
        _, (out, err, _) = self.only("# refused")
        self.assertEqual(out, "")
        self.assertIn("does not decrypt", err)


class Names(unittest.TestCase):
    def test_commands_that_readme_names_exist(self):
        named = set(re.findall(r"`coffer ((?:[a-z]+ ?){1,2})", README)) | set(
            re.findall(r"^coffer ((?:[a-z]+ ?){1,2})", README, re.MULTILINE))
        self.assertGreater(len(named), 5)
        for name in sorted(named):
            with self.subTest(command=name):
                words = name.split()[:1] if name.startswith("apply") else name.split()
                done = subprocess.run([Programs.coffer(), *words, "--help"], capture_output=True, check=False,
                                      env=clean_environment(), timeout=DEADLINE_S)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_make_targets_that_readme_names_exist(self):
        makefile = (ROOT / "Makefile").read_text()
        named = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
        self.assertGreaterEqual(len(named), 3)
        for target in named:
            self.assertRegex(makefile, rf"(?m)^{target}:", target)


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
