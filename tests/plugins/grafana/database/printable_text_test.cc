#include "plugins/grafana/database/printable_text.h"

#include <string>

#include <gtest/gtest.h>

namespace coffer::grafana {
namespace {

TEST(PrintableTextTest, TextStaysAsItIs) {
  for (const std::string_view text : {"", "name 1", "p\xC3\xA4ss \xE2\x82\xAC \xF0\x9F\x94\x91", "\xC2\xA0",
                                      "\xE2\x80\x8A", "\xE2\x80\x90", "\xE2\x80\xAF", "\xE2\x81\xB0"}) {
    EXPECT_EQ(PrintableText(text), text);
  }
}

TEST(PrintableTextTest, WhatATerminalObeysIsReplaced) {
  for (const std::string_view text :
       {std::string_view("\0", 1), std::string_view("\x1B"), std::string_view("\n"), std::string_view("\x7F"),
        std::string_view("\xC2\x80"), std::string_view("\xC2\x9B"), std::string_view("\xC2\x9F"),
        std::string_view("\xD8\x9C"), std::string_view("\xE2\x80\x8B"), std::string_view("\xE2\x80\x8F"),
        std::string_view("\xE2\x80\xA8"), std::string_view("\xE2\x80\xAE"), std::string_view("\xE2\x81\xA6"),
        std::string_view("\xEF\xBB\xBF")}) {
    EXPECT_EQ(PrintableText("a" + std::string(text) + "b" + std::string(text)), "a?b?");
  }
}

TEST(PrintableTextTest, WhatIsNoUtf8IsOneMark) { EXPECT_EQ(PrintableText("abc\xFF"), "?"); }

}  // namespace
}  // namespace coffer::grafana
