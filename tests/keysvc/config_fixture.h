// Texts of a configuration, of which a test changes one part, and what is said of a bad one.
#pragma once

#include <gtest/gtest.h>

#include "keysvc/config.h"

namespace coffer::keysvc {

inline constexpr std::uint32_t kOwnUid = 4242;

// `text` with its one `from` replaced.
inline std::string With(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) ADD_FAILURE() << "not in the text: " << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

struct BadConfig {
  std::string text;
  std::string path;
  std::uint64_t line;
  std::string message;
  std::uint64_t limit = 0;
};

inline void ExpectRefused(const BadConfig& bad) {
  SCOPED_TRACE(bad.text.substr(0, 300));
  const Result<Config> parsed = ParseConfig(bad.text, kOwnUid);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(parsed.error().path(), bad.path);
  EXPECT_EQ(parsed.error().line(), bad.line);
  EXPECT_EQ(parsed.error().limit(), bad.limit);
  EXPECT_NE(parsed.error().message().find(bad.message), std::string_view::npos) << parsed.error().message();
}

}  // namespace coffer::keysvc
