"""Tests of tools/check: a small clean tree passes, and each rule, broken once, is reported."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
CHECK = REPOSITORY / "tools" / "check"


def load_check():
    loader = importlib.machinery.SourceFileLoader("coffer_check", str(CHECK))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("coffer_check", loader))
    loader.exec_module(module)
    return module


MAIN = load_check().main  # in this process: hundreds of small trees in a few seconds

CLEAN = {
    "README.md": "# Small\n\nSee [format](docs/FORMAT.md#fields), [site](https://example.org), [here](#small).\n",
    "docs/FORMAT.md": "Back to [the readme](../README.md).\n\n```\n[no link](nowhere.md)\n```\n",
    "crypto/aead.h": "// Aead: encrypts and decrypts bytes.\n#pragma once\n#include <span>\n",
    "crypto/aead.cc": (
        '#include "crypto/aead.h"\n\n#include <openssl/evp.h>\n\n'
        "// new delete system( strcpy( in a comment\n"
        'const char* kWords = "new delete system( assert(";\n'
        "Aead::Aead(const Aead&) = delete;\nstatic_assert(sizeof(int) == 4);\n"
    ),
    "io/file.cc": '#include <fcntl.h>\n#include <sqlite3.h>\n\n#include "crypto/aead.h"\n',
    "keysvc/main.cc": '#include <CLI/CLI.hpp>\n#include <iostream>\n\n#include "keysvc/rpc/door.h"\n'
                      '#include "keysvc/keys/ring.h"\nint main() { std::cout << getenv("X"); }\n',
    "keysvc/config.cc": "#include <toml++/toml.h>\n",
    "keysvc/keys/ring.h": '// A ring of keys.\n#pragma once\n#include "crypto/aead.h"\n',
    "keysvc/rpc/door.h": "// The gRPC door.\n#pragma once\n#include <grpcpp/grpcpp.h>\n"
                         '#include "coffer/v1/field.grpc.pb.h"\n',
    "pgext/type.cc": '#include "postgres.h"\n#include "crypto/field_header.h"\n#include "libpq/pqformat.h"\n',
    "proto/coffer/v1/field.proto": (
        'syntax = "proto3";\npackage coffer.v1;\nservice FieldService {\n  // Encrypts.\n'
        "  rpc Encrypt(Request) returns (Reply);\n}\nenum Kind {\n  KIND_UNSPECIFIED = 0;\n}\n"
        "message Request {\n  reserved 4;\n  // The name.\n  string name = 1;\n"
        "  repeated bytes rows = 2;  // Rows.\n}\n"
    ),
    "tests/crypto/aead_test.cc": '#include <gtest/gtest.h>\n#include "keysvc/rpc/door.h"\n'
                                 "TEST(Aead, Opens) { auto* p = new int; delete p; memcmp(p, p, 4); }\n",
}


def run(tree, *arguments):
    """Writes `tree`, {path: text}, into a fresh git repository and runs the check on it: (status, output, files)."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        subprocess.run(["git", "init", "-q", folder], check=True)
        for path, text in tree.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text if isinstance(text, bytes) else text.encode())
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = MAIN(["--root", folder, *arguments])
            except SystemExit as usage_error:
                status = usage_error.code
        allow = root / "tools" / "check.allow"
        return status, said.getvalue(), allow.read_text() if allow.exists() else ""


def header(body):
    return f"// What this header is.\n#pragma once\n{body}"


def function(lines, head="void Work() {"):
    return head + "\n" + "  Step();\n" * (lines - 2) + "}\n"


class CheckCase(unittest.TestCase):
    def assert_clean(self, extra, *arguments):
        status, output, _ = run({**CLEAN, **extra}, *arguments)
        self.assertEqual((status, output), (0, ""))

    def assert_finding(self, rule, path, text, line=None, more=None):
        status, output, _ = run({**CLEAN, path: text, **(more or {})})
        self.assertEqual(status, 1, output)
        wanted = f"{path}:{line}: {rule}: " if line else f": {rule}: "
        self.assertIn(wanted, output)
        strangers = [row for row in output.splitlines() if f": {rule}: " not in row and "finding(s)" not in row]
        self.assertEqual(strangers, [], "only the broken rule is reported")


class CommandTest(CheckCase):
    def test_clean_tree_passes(self):
        self.assert_clean({})

    def test_the_repository_lists_its_rules_and_explains_itself(self):
        for option in ("--list", "--help"):
            done = subprocess.run([CHECK, option], capture_output=True, text=True, check=True)
            self.assertIn("check" if option == "--help" else "function-p90", done.stdout)

    def test_unknown_option_is_a_usage_error(self):
        self.assertEqual(run(CLEAN, "--nonsense")[0], 2)
        self.assertEqual(run(CLEAN, "--grow")[0], 2)

    def test_a_tree_without_git_is_checked_too(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "io").mkdir()
            (pathlib.Path(folder) / "io" / "x.cc").write_text("int a = atoi(b);\n", encoding="utf-8")
            done = subprocess.run([CHECK, "--root", folder], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("io/x.cc:1: loose-number: atoi: ", done.stdout)

    def test_ignored_files_are_not_checked(self):
        self.assert_clean({".gitignore": "build/\n", "build/generated.cc": "x = system(1);\n"})

    def test_binary_files_are_not_read(self):
        self.assert_clean({"tests/fuzz/corpus/aead/crash-1": b"\0FIX" + b"ME"})


class IncludeTest(CheckCase):
    def test_includes_that_point_up_are_reported(self):
        for path, include in (
            ("crypto/x.cc", "io/file.h"), ("policy/x.cc", "io/file.h"), ("audit/x.cc", "keysvc/keys/ring.h"),
            ("client/x.cc", "policy/plan.h"), ("db/x.cc", "audit/tree.h"), ("cli/x.cc", "keysvc/keys/ring.h"),
            ("backup/x.cc", "coffer/v1/field.pb.h"), ("io/x.cc", "tests/fake.h"), ("pgext/x.cc", "crypto/aead.h"),
        ):
            with self.subTest(path=path):
                self.assert_finding("floors", path, f'#include "{include}"\n', 1)

    def test_includes_that_point_up_inside_keysvc_are_reported(self):
        for path, include in (
            ("keys/x.cc", "store/s.h"), ("store/x.cc", "service/s.h"), ("service/x.cc", "rpc/s.h"),
            ("rpc/x.cc", "keys/s.h"), ("http/x.cc", "rpc/s.h"), ("config2.cc", "keys/s.h"),
        ):
            with self.subTest(path=path):
                self.assert_finding("floors", f"keysvc/{path}", f'\n#include "keysvc/{include}"\n', 2)

    def test_includes_that_point_down_pass(self):
        self.assert_clean({
            "keysvc/store/x.cc": '#include "keysvc/keys/ring.h"\n',
            "keysvc/service/x.cc": '#include "keysvc/store/x.h"\n#include "audit/tree.h"\n',
            "keysvc/rpc/x.cc": '#include "keysvc/service/x.h"\n',
            "cli/x.cc": '#include "db/plan.h"\n#include "coffer/v1/field.pb.h"\n#include <CLI/CLI.hpp>\n',
            "plugins/grafana/x.cc": '#include "backup/part.h"\n#include <yaml-cpp/yaml.h>\n',
            "bench/x.cc": '#include "keysvc/keys/ring.h"\n#include <openssl/evp.h>\n',
        })

    def test_includes_not_written_from_the_root_are_reported(self):
        for path, include in (("crypto/x.cc", "aead.h"), ("tests/x.cc", "../crypto/aead.h"), ("pgext/x.cc", "./y.h")):
            with self.subTest(path=path):
                self.assert_finding("include-root", path, f'#include "{include}"\n', 1)

    def test_third_party_headers_out_of_place_are_reported(self):
        for path, include in (
            ("io/x.cc", "openssl/evp.h"), ("audit/x.cc", "sodium.h"), ("policy/x.cc", "utf8proc.h"),
            ("keysvc/store/x.cc", "sqlite3.h"), ("db/x.cc", "libpq-fe.h"), ("backup/x.cc", "curl/curl.h"),
            ("keysvc/service/x.cc", "grpcpp/grpcpp.h"), ("keysvc/main.cc", "grpcpp/grpcpp.h"),
            ("keysvc/keys/x.cc", "toml++/toml.h"), ("cli/x.cc", "yaml-cpp/yaml.h"), ("client/x.cc", "CLI/CLI.hpp"),
            ("io/x.cc", "spdlog/spdlog.h"), ("crypto/x.cc", "google/protobuf/message.h"), ("io/x.cc", "zstd.h"),
            ("pgext/x.cc", "fmt/format.h"), ("io/x.cc", "gtest/gtest.h"), ("io/x.cc", "boost/any.hpp"),
        ):
            with self.subTest(path=path, include=include):
                self.assert_finding("third-party", path, f"#include <{include}>\n", 1)

    def test_generated_grpc_code_out_of_place_is_reported(self):
        self.assert_finding("third-party", "keysvc/service/x.cc", '#include "coffer/v1/field.grpc.pb.h"\n', 1)

    def test_a_commented_include_is_none(self):
        self.assert_clean({"io/x.cc": "// #include <openssl/evp.h>\n/*\n#include <grpcpp/grpcpp.h>\n*/\n"})

    def test_machine_headers_on_the_pure_floors_are_reported(self):
        for path, include in (("crypto/x.cc", "fstream"), ("crypto/x.cc", "chrono"), ("policy/x.cc", "sys/socket.h")):
            with self.subTest(include=include):
                self.assert_finding("machine-door", path, f"#include <{include}>\n", 1)
        self.assert_clean({"policy/x.cc": "#include <chrono>\n"})

    def test_banned_headers_are_reported(self):
        for include in ("regex", "cassert"):
            self.assert_finding("banned-header", "io/x.cc", f"#include <{include}>\n", 1)


class BanTest(CheckCase):
    def test_banned_calls_are_reported(self):
        for rule, code in (
            ("unsafe-string", "strcpy(a, b)"), ("unsafe-string", "std::strcat (a, b)"),
            ("unsafe-string", "sprintf(a, b)"), ("unsafe-string", "vsprintf(a, b, c)"), ("unsafe-string", "gets(a)"),
            ("unsafe-string", "strtok(a, b)"), ("shell", "std::system(a)"), ("shell", "popen(a, b)"),
            ("weak-random", "rand()"), ("weak-random", "srand(1)"), ("loose-number", "atoi(a)"),
            ("loose-number", "atof(a)"), ("loose-number", "strtol(a, b, 10)"), ("loose-number", "strtoull(a, b, 10)"),
            ("loose-number", "strtod(a, b)"), ("loose-number", "std::stoi(a)"), ("output", "std::cout << 1"),
            ("output", "std::cerr << 1"), ("environment", "std::getenv(a)"), ("debug-string", "m.DebugString()"),
            ("debug-string", "m.ShortDebugString()"), ("debug-string", "m.Utf8DebugString()"),
            ("debug-string", "TextFormat::PrintToString(m, &s)"), ("const-cast", "const_cast<int*>(p)"),
            ("using-namespace", "using namespace std"), ("std-regex", "std::regex r"), ("sleep", "sleep(1)"),
            ("sleep", "usleep(1)"), ("sleep", "std::this_thread::sleep_for(s)"), ("sleep", "sleep_until(s)"),
            ("assert", "assert(x)"),
        ):
            with self.subTest(code=code):
                self.assert_finding(rule, "audit/x.cc", f"void F() {{\n  {code};\n}}\n", 2)

    def test_calls_that_only_look_banned_pass(self):
        code = "fgets(a, 1, f); snprintf(a, 1, b); s.Sleep(); sodium_memcmp(a, b, 1); grand(); p->delete_(); renew(x);"
        self.assert_clean({"audit/x.cc": f"void F() {{ {code} }}\nvoid* operator new(size_t n);\nF(F&&) =\n delete;\n"})

    def test_sleep_is_banned_in_tests_too(self):
        self.assert_finding("sleep", "tests/x_test.cc", "\n\nvoid F() { sleep_for(s); }\n", 3)

    def test_places_with_an_exception_pass(self):
        self.assert_clean({"cli/x.cc": "void F() { std::cout << 1; getenv(x); }\n",
                           "client/x.cc": "void F() { getenv(x); }\n", "keysvc/config.cc": "int a = getenv(x);\n",
                           "plugins/grafana/main.cc": "int main() { std::cerr << 1; }\n"})

    def test_raw_strings_and_digit_separators_do_not_hide_code(self):
        self.assert_clean({"io/x.cc": 'auto s = R"x(system("a") )" new)x"; char c = \'"\';\n'})
        self.assert_finding("shell", "io/x.cc", "int n = 1'000'000; int r = system(a); char q = '\\'';\n", 1)


class CountedTest(CheckCase):
    USES = (("expose", "io/x.cc", "k.Expose(a)"), ("reinterpret-cast", "io/x.cc", "reinterpret_cast<int*>(p)"),
            ("naked-new", "io/x.cc", "new int"), ("naked-new", "io/x.cc", "delete[] p"),
            ("catch-all", "io/x.cc", "try {} catch (...) {}"), ("memcmp", "crypto/x.cc", "std::memcmp(a, b, 1)"))

    def test_uses_beyond_the_list_are_reported(self):
        for rule, path, code in self.USES:
            with self.subTest(code=code):
                self.assert_finding(rule, path, f"void F() {{\n  {code};\n}}\n", 2)
                allow = {"tools/check.allow": f"# why\n{rule} {path} 1  # reason\n"}
                self.assert_clean({path: f"void F() {{ {code}; }}\n", **allow})
                self.assert_finding(rule, path, f"void F() {{ {code};\n {code}; }}\n", 2, allow)

    def test_memcmp_outside_crypto_passes(self):
        self.assert_clean({"io/x.cc": "int a = memcmp(p, q, 1);\n"})

    def test_a_count_that_fell_must_be_lowered(self):
        tree = {**CLEAN, "tools/check.allow": "# why\nexpose io/x.cc 3\n", "io/x.cc": "int a = k.Expose(t);\n"}
        status, output, _ = run(tree)
        self.assertEqual(status, 1)
        self.assertIn("check.allow:2: allowlist: expose io/x.cc: 1 of 3 are left, lower the allowlist to 1.", output)
        status, _, allow = run(tree, "--update-allowlist")
        self.assertEqual((status, allow), (0, "# why\nexpose io/x.cc 1\n"))

    def test_update_does_not_raise_without_grow(self):
        tree = {**CLEAN, "tools/check.allow": "expose io/x.cc 1  # the door\nexpose io/gone.cc 1\n",
                "io/x.cc": "int a = k.Expose(t), b = k.Expose(t);\nint* c = new int;\n"}
        status, _, allow = run(tree, "--update-allowlist")
        self.assertEqual((status, allow), (1, "expose io/x.cc 1  # the door\n"))
        status, _, allow = run(tree, "--update-allowlist", "--grow")
        self.assertEqual((status, allow), (0, "expose io/x.cc 2  # the door\nnaked-new io/x.cc 1\n"))

    def test_broken_allowlist_lines_are_reported(self):
        for text in ("expose io/x.cc many\n", "expose io/x.cc 0\nexpose io/x.cc 0\n"):
            self.assert_finding("allowlist", "tools/check.allow", text, text.count("\n"))


class LengthTest(CheckCase):
    def test_a_function_at_the_limit_passes_and_one_over_is_reported(self):
        for head in ("void Work() {", "Foo::Foo(int a) : a_{a}, b_(1), c_{} {", "auto F(int a = {}) -> int {",
                     "template <typename T = int>\nbool operator==(const T& a, const struct stat& b) {",
                     "TEST(Struct, Works) {", "int Foo::operator()(int a) const noexcept {", "auto kF = [](int a) {",
                     "std::vector<int> Map() requires(N >= 2) {", 'extern "C" int Entry(void) {'):
            extra = head.count("\n")
            with self.subTest(head=head):
                self.assert_clean({"io/x.cc": "int a;\n" + function(70 - extra, head)})
                self.assert_finding("function-length", "io/x.cc", "int a;\n" + function(71 - extra, head), 2)

    def test_long_functions_inside_scopes_are_reported(self):
        for before, after in (
            ("namespace a::b {\n", "}\n"), ("namespace {\n", "}\n"), ('extern "C" {\n', "}\n"),
            ("class X final : public Y<void(int)> {\npublic:\n  int a_{3};\n", "};\n"),
            ("struct alignas(16) [[nodiscard]] X {\n  std::function<void()> f_{};\n", "};\n"),
            ("#if A\nstruct X { \n#endif\n", "};\n"),
            ("enum class E : int { kA, kB };\nconstexpr int kT[] = {\n  1, {2}\n};\n", ""),
        ):
            with self.subTest(before=before):
                self.assert_clean({"io/x.cc": before + function(70) + after})
                line = before.count("\n") + 1
                self.assert_finding("function-length", "io/x.cc", before + function(71) + after, line)

    def test_a_long_scope_or_table_is_no_function(self):
        table = "constexpr Row kRows[] = {\n" + '  {"{", 1},\n' * 80 + "};\n"
        scope = "namespace a {\nclass X {\n" + function(5) * 20 + "};\n}\n"
        self.assert_clean({"io/x.cc": table + scope})

    def test_a_lambda_counts_in_the_function_around(self):
        body = "void Work() {\n  auto f = [] {\n" + "    Step();\n" * 70 + "  };\n}\n"
        self.assert_finding("function-length", "io/x.cc", body, 1)

    def test_test_bodies_and_python_count_too(self):
        self.assert_finding("function-length", "tests/x_test.cc", function(71, "TEST_F(Foo, Bar) {"), 1)
        self.assert_finding("function-length", "tests/x.py", "def f():\n" + "    step()\n" * 71, 1)

    def test_the_ninetieth_percentile_is_reported(self):
        self.assert_clean({"io/x.cc": function(50) * 2, "io/y.cc": function(9) * 18})
        self.assert_finding("function-p90", "io/x.cc", function(50) * 3, more={"io/y.cc": function(9) * 17})

    def test_long_files_are_reported(self):
        self.assert_clean({"tests/x.cc": "int a;\n" * 500})
        for path in ("tests/x.cc", "io/x.h", "tools/script"):
            text = header("int a;\n" * 499) if path.endswith(".h") else "#!/bin/bash\n" + "true\n" * 500
            with self.subTest(path=path):
                self.assert_finding("file-length", path, text, 501)

    def test_wide_lines_are_reported(self):
        self.assert_clean({"io/x.cc": "// " + "x" * 117 + "\n// https://example.org/" + "x" * 120 + "\n"})
        self.assert_finding("line-width", "proto/coffer/v1/x.proto", "\n// " + "x" * 118 + "\n", 2)


class TextTest(CheckCase):
    def test_headers_without_pragma_once_are_reported(self):
        self.assert_finding("pragma-once", "io/x.h", "// What this header is.\nint a;\n", 1)
        guard = "#ifndef IO_X_H_\n#define IO_X_H_\n#endif\n"
        self.assert_finding("pragma-once", "io/x.h", header(guard), 3)

    def test_headers_without_a_comment_are_reported(self):
        self.assert_finding("header-comment", "io/x.h", "#pragma once\n// What this is.\n", 1)
        self.assert_finding("header-comment", "io/x.h", "// Copyright the Coffer authors\n#pragma once\n", 1)

    def test_notes_without_an_issue_are_reported(self):
        for word in ("TO" "DO", "FIX" "ME", "XX" "X"):
            self.assert_finding("todo", "docs/A.md", f"\n{word}: later\n", 2)
            self.assert_clean({"docs/A.md": f"{word}(#12): later; mktemp XXXXXX\n"})

    def test_words_of_the_workplace_are_reported(self):
        for word in ("/wo" "rk/x", "farm-" "bench", "shared/" "reference"):
            self.assert_finding("workplace", "docs/A.md", f"\nsee {word}\n", 2)
        self.assert_clean({"docs/A.md": "../shared/vectors, network/working\n"})

    def test_names_out_of_style_are_reported(self):
        for path in ("io/Big.cc", "io/two-words.cc", "io/Sub/x.cc", "tests/io/fooTest.cc", "tools/checks/x-y.py"):
            with self.subTest(path=path):
                self.assert_finding("snake-case", path, "", 1)

    def test_names_that_say_nothing_are_reported(self):
        for path in ("io/util.cc", "io/string_utils.cc", "io/common/x.cc", "docs/misc.md", "io/key_manager.cc",
                     "tests/data/x.cc", "io/info.cc", "io/test_helper.cc"):
            with self.subTest(path=path):
                self.assert_finding("empty-name", path, "", 1)
        self.assert_clean({"crypto/data_key.cc": "", "crypto/associated_data.cc": ""})

    def test_uncommented_proto_fields_are_reported(self):
        for line in ("string name = 1;", "repeated Foo rows = 2 [deprecated = true];", "map<string, Foo> m = 3;",
                     "optional .coffer.v1.Foo f = 4;", "rpc Get(A) returns (B);"):
            with self.subTest(line=line):
                self.assert_finding("proto-comment", "proto/x.proto", f"message A {{\n  {line}\n}}\n", 2)
                self.assert_clean({"proto/x.proto": f"message A {{\n  {line}  // What.\n  /* What. */\n  {line}\n}}\n"})

    def test_broken_links_are_reported(self):
        for link in ("[a](gone.md)", "![a](img/gone.png)", "[a](/docs/FORMAT.md)", "[a]: gone.md", "[a](../../x.md)"):
            with self.subTest(link=link):
                self.assert_finding("doc-links", "docs/A.md", f"\n{link}\n", 2)
        self.assert_clean({"docs/A.md": '[a](../docs "t") [b](FORMAT.md#x) [c](..) `[d](gone.md)`\n'})


if __name__ == "__main__":
    unittest.main()
