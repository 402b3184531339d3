// Random provisioning files whose values the test knows, in every scalar style: import, then render, then read.
#include <random>
#include <utility>

#include <gtest/gtest.h>

#include "tests/plugins/grafana/grafana_model.h"
#include "tests/plugins/grafana/test_files.h"

namespace coffer::grafana {
namespace {

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::string File() {
    text_ = Comment("");
    text_ += "datasources:" + Tail();
    const int count = Pick(1, 5);
    for (int i = 0; i < count; ++i) AddDatasource("ds" + std::to_string(i));
    if (Pick(0, 1) == 1) text_ += "# the end";
    return text_;
  }
  const SecureValues& values() const { return values_; }

 private:
  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  std::string OneOf(const std::vector<std::string>& choices) {
    return choices[static_cast<std::size_t>(Pick(0, static_cast<int>(choices.size()) - 1))];
  }
  std::string Comment(const std::string& indent) {
    const std::string comment = indent + "# comment: 'x' \"y\" | > {\n";
    // Blank lines would be part of a value with "|+".
    if (std::exchange(keeps_blank_lines_, false)) return OneOf({"", comment});
    return OneOf({"", "", comment, "\n", indent + "#\ttab\n", "   \n"});
  }
  std::string Tail() { return OneOf({"\n", "  # tail\n", " \t# tail: &a *b\n", "   \n"}); }

  void AddDatasource(const std::string& name) {
    const std::string indent = OneOf({"", "  "});
    const std::string org = OneOf({"1", "2"});
    text_ += Comment("  ") + "  - name: " + name + Tail();
    if (org != "1" || Pick(0, 1) == 1) text_ += "    orgId: " + org + Tail();
    text_ += Comment("    ") + "    secureJsonData:" + Tail();
    const int count = Pick(1, 5);
    for (int i = 0; i < count; ++i) {
      const std::string key = "k" + std::to_string(i);
      const std::string value = Value();
      text_ += Comment(indent + "      ");  // A statement of its own: Scalar decides what the next comment may be.
      text_ += "      " + indent + key + ":";
      text_ += Scalar(value, 6 + indent.size());
      values_[org + "/" + name + "/" + key] = value;
    }
    text_ += Comment("    ") + "    url: localhost" + Tail();
  }

  std::string Value() {
    static const std::vector<std::string> kPieces = {
        "a", "secret", "$",  "$$", "${X}", "'", "\"", "\\", " ", "  ", "\n",  "\n\n", "\t",
        "#", " # ",    ": ", ":",  "é",    "😀", "- ", "|",  ">", "{",  "}",   "[",    "]",
        ",", "&a",     "*a", "!",  "%",    "@", "`",  "~",  "0", "=",  "---", "\x1B", "\xE2\x80\xA8"};
    std::string value;
    for (int i = Pick(0, 8); i > 0; --i) value += OneOf(kPieces);
    return value;
  }

  std::string Scalar(const std::string& value, std::size_t indent) {
    const bool lines_only =
        value.find_first_of("\t\x1B") == std::string::npos && value.find("\xE2\x80\xA8") == std::string::npos;
    const bool word = !value.empty() && value.find_first_not_of("acerst0=$") == std::string::npos && value != "0";
    const int style = Pick(0, 3);
    if (style == 0 && word) return " " + value + Tail();
    if (style == 1 && lines_only && value.find('\n') == std::string::npos) return " '" + Doubled(value) + "'" + Tail();
    if (style == 2 && lines_only && value.find_first_not_of("\n ") == 0) return Literal(value, indent);
    return " \"" + Escaped(value) + "\"" + Tail();
  }

  static std::string Doubled(const std::string& value) {
    std::string out;
    for (const char c : value) out += c == '\'' ? "''" : std::string(1, c);
    return out;
  }
  static std::string Escaped(const std::string& value) {
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const char c = value[i];
      if (value.compare(i, 3, "\xE2\x80\xA8") == 0) {
        out += "\\L";
        i += 2;
      } else if (c == '"' || c == '\\') {
        out += std::string("\\") + c;
      } else if (c == '\n') {
        out += "\\n";
      } else if (c == '\t') {
        out += "\\t";
      } else if (c == '\x1B') {
        out += "\\e";
      } else {
        out += c;
      }
    }
    return out;
  }
  // "|+" keeps every line end; without one at the end "|-" drops what ends the last line.
  std::string Literal(const std::string& value, std::size_t indent) {
    std::string out = value.ends_with('\n') ? " |+\n" : " |-" + Tail();
    std::string line;
    const auto flush = [&] {
      out += line.empty() ? "\n" : std::string(indent + 2, ' ') + line + "\n";
      line.clear();
    };
    for (const char c : value) {
      if (c == '\n') {
        flush();
      } else {
        line += c;
      }
    }
    if (!value.ends_with('\n')) flush();
    keeps_blank_lines_ = value.ends_with('\n');
    return out;
  }

  std::mt19937 random_;
  std::string text_;
  SecureValues values_;
  bool keeps_blank_lines_ = false;
};

TEST(Property, WhatGoesInComesOut) {
  const unsigned first = std::random_device{}();
  for (unsigned i = 0; i < 200; ++i) {
    const unsigned seed = first + i;
    Maker maker(seed);
    const std::string text = maker.File();
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);
    MemoryVault vault;
    const auto imported = Import(text, vault);
    ASSERT_TRUE(imported.ok()) << imported.error().ToString();
    for (const auto& [place, value] : maker.values()) ASSERT_EQ(vault.At("grafana/" + place), value);
    const auto rendered = Render(imported->rewritten, vault);
    ASSERT_TRUE(rendered.ok()) << rendered.error().ToString();
    ASSERT_EQ(ReadAsGrafana(*rendered), maker.values());
  }
}

}  // namespace
}  // namespace coffer::grafana
