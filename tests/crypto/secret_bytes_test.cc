#include "crypto/secret_bytes.h"

#include <type_traits>

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes> && std::is_nothrow_move_assignable_v<SecretBytes>);

TEST(SecretBytesTest, NewOnesAreZero) {
  const SecretBytes secret(5);
  EXPECT_EQ(CopyOf(secret.Expose(SecretAccess::kTest)), Bytes(5));
}

TEST(SecretBytesTest, DefaultIsEmpty) {
  const SecretBytes secret;
  EXPECT_TRUE(secret.empty());
  EXPECT_TRUE(secret.Expose(SecretAccess::kTest).empty());
  EXPECT_TRUE(SecretBytes(0).empty());
  EXPECT_TRUE(SecretBytes::CopyOf({}).empty());
}

TEST(SecretBytesTest, MoveLeavesNothingBehind) {
  SecretBytes from = SecretBytes::CopyOf(AsBytes("secret"));
  SecretBytes to(std::move(from));
  EXPECT_EQ(Revealed(to), "secret");
  EXPECT_EQ(from.size(), 0U);  // NOLINT(bugprone-use-after-move): that it is empty is the point.
  EXPECT_TRUE(from.Expose(SecretAccess::kTest).empty());
  SecretBytes other = SecretBytes::CopyOf(AsBytes("other"));
  other = std::move(to);
  EXPECT_EQ(Revealed(other), "secret");
}

TEST(SecretBytesTest, SelfMoveKeepsTheValue) {
  SecretBytes secret = SecretBytes::CopyOf(AsBytes("secret"));
  SecretBytes& same = secret;
  secret = std::move(same);
  EXPECT_EQ(Revealed(secret), "secret");
}

TEST(SecretBytesTest, CloneIsASecondOwner) {
  SecretBytes secret = SecretBytes::CopyOf(AsBytes("secret"));
  SecretBytes clone = secret.Clone();
  secret.ExposeMutable(SecretAccess::kTest)[0] = std::byte{'S'};
  EXPECT_EQ(Revealed(clone), "secret");
  secret.Clear();
  EXPECT_EQ(Revealed(clone), "secret");
}

TEST(SecretBytesTest, AbsorbEmptiesAndWipesTheSource) {
  std::string text = "a secret that is too long for a short string";
  const ByteView memory = AsBytes(text);
  const SecretBytes secret = SecretBytes::Absorb(std::move(text));
  EXPECT_EQ(Revealed(secret), "a secret that is too long for a short string");
  EXPECT_TRUE(text.empty());                       // NOLINT(bugprone-use-after-move)
  ASSERT_EQ(AsBytes(text).data(), memory.data());  // Its memory is still there to look at.
  EXPECT_EQ(CopyOf(memory), Bytes(memory.size()));
}

TEST(SecretBytesTest, TruncateKeepsTheFrontAndWipesTheTail) {
  SecretBytes secret = SecretBytes::CopyOf(AsBytes("secret tail"));
  const std::byte* const memory = secret.Expose(SecretAccess::kTest).data();
  secret.Truncate(6);
  EXPECT_EQ(Revealed(secret), "secret");
  EXPECT_EQ(CopyOf({memory, 11}), CopyOf(AsBytes(std::string("secret") + std::string(5, '\0'))));
  secret.Truncate(6);
  secret.Truncate(0);
  EXPECT_TRUE(secret.empty());
}

TEST(SecretBytesDeathTest, TruncateCannotLengthen) {
  SecretBytes secret(3);
  EXPECT_DEATH(secret.Truncate(4), "check failed");
}

TEST(SecretBytesTest, ClearEmpties) {
  SecretBytes secret = SecretBytes::CopyOf(AsBytes("secret"));
  secret.Clear();
  EXPECT_TRUE(secret.empty());
  secret.Clear();
}

}  // namespace
}  // namespace coffer
