#include "crypto/argon2.h"

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

constexpr std::uint32_t kLeastMemoryKib = 64 * 1024;

Argon2Params Cheapest() {
  Argon2Params params;
  params.passes = 2;
  params.memory_kib = kLeastMemoryKib;
  for (std::size_t i = 0; i < params.salt.size(); ++i) params.salt[i] = static_cast<std::byte>(i);
  return params;
}

std::string Derived(std::string_view passphrase, const Argon2Params& params) {
  const auto key = Argon2id(SecretOf(AsBytes(passphrase)), params);
  return key.ok() ? ToHex(key->Expose(SecretAccess::kTest)) : std::string(ErrorCodeName(key.error().code()));
}

// The answers are those of the reference implementation (libargon2 of the P-H-C project), version 1.3, one lane.
TEST(Argon2idTest, MatchesTheReferenceImplementation) {
  EXPECT_EQ(Derived("correct horse", Cheapest()), "9aab5a81db651bf866ff7b6169794d2ad9bb00f3d95177925a5fca692a34dbd1");
  Argon2Params params = Cheapest();
  params.passes = 3;
  params.salt.fill(std::byte{0xFF});
  EXPECT_EQ(Derived("correct horse battery staple", params),
            "168aa26f89b656d51fcf05126d4d15fe48939848244ebc5636ab7732f94fb479");
}

TEST(Argon2idTest, SaltAndPassesCount) {
  Argon2Params salted = Cheapest();
  salted.salt[15] ^= std::byte{1};
  EXPECT_NE(Derived("correct horse", salted), Derived("correct horse", Cheapest()));
}

TEST(Argon2idTest, PassphraseOutsideItsLimitsIsRefused) {
  EXPECT_EQ(Derived("", Cheapest()), "invalid_argument");
  EXPECT_EQ(Derived(std::string(kMinPassphrase - 1, 'x'), Cheapest()), "invalid_argument");
  EXPECT_EQ(Derived(std::string(kMaxPassphrase + 1, 'x'), Cheapest()), "invalid_argument");
  EXPECT_EQ(Derived(std::string(kMaxPassphrase, 'x'), Cheapest()).size(), 64U);
}

// A planted header must neither weaken the key nor exhaust memory: these are refused before anything is allocated.
TEST(Argon2idTest, CostsOutsideTheirLimitsAreRefused) {
  const std::pair<std::uint32_t, std::uint32_t> bad[] = {{0, kLeastMemoryKib},
                                                         {1, kLeastMemoryKib},
                                                         {17, kLeastMemoryKib},
                                                         {UINT32_MAX, kLeastMemoryKib},
                                                         {3, 0},
                                                         {3, 1},
                                                         {3, kLeastMemoryKib - 1},
                                                         {3, 1024 * 1024 + 1},
                                                         {3, UINT32_MAX}};
  for (const auto& [passes, memory_kib] : bad) {
    Argon2Params params = Cheapest();
    params.passes = passes;
    params.memory_kib = memory_kib;
    EXPECT_EQ(params.Validate().error().code(), ErrorCode::kInvalidArgument) << passes << ", " << memory_kib;
    EXPECT_EQ(Derived("correct horse", params), "invalid_argument");
  }
}

TEST(Argon2idTest, LimitsThemselvesAreAllowed) {
  Argon2Params params = Cheapest();
  EXPECT_TRUE(params.Validate().ok());
  params.passes = 16;
  params.memory_kib = 1024 * 1024;
  EXPECT_TRUE(params.Validate().ok());
}

TEST(Argon2ParamsTest, GeneratedOnesHaveFreshSaltsAndTheDefaultCosts) {
  const Argon2Params a = Argon2Params::Generate();
  const Argon2Params b = Argon2Params::Generate();
  EXPECT_NE(a.salt, b.salt);
  EXPECT_EQ(a.passes, 3U);
  EXPECT_EQ(a.memory_kib, 256U * 1024U);
  EXPECT_TRUE(a.Validate().ok());
}

}  // namespace
}  // namespace coffer
