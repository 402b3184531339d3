#include <gtest/gtest.h>

#include "tests/crypto/accumulated.h"
#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

TEST(XaesSoakTest, AccumulatedMillionMatches) {
  for (const Json& c : LoadExternal("XAES-256-GCM accumulated")) {
    EXPECT_EQ(AccumulatedXaes(c.at("rounds"), internal::GcmBackend::kAutomatic), c.at("output")) << c.at("name");
  }
}

}  // namespace
}  // namespace coffer
