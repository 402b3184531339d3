#include "io/crc32c.h"

#include <string>

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace coffer {
namespace {

ByteView Of(std::string_view text) { return AsBytes(text); }

// RFC 3720 appendix B.4, and the check value of the catalogue of CRCs.
TEST(Crc32cTest, FitsPublishedValues) {
  EXPECT_EQ(Crc32c(ByteView()), 0u);
  EXPECT_EQ(Crc32c(Of("123456789")), 0xE3069283u);
  const Bytes zeros(32, std::byte{0});
  EXPECT_EQ(Crc32c(zeros), 0x8A9136AAu);
  const Bytes ones(32, std::byte{0xFF});
  EXPECT_EQ(Crc32c(ones), 0x62A8AB43u);
}

TEST(Crc32cTest, IsTheSameByTableAndByInstructionForEveryLengthAndAlignment) {
  Bytes noise(300);
  FillRandom(noise);
  const ByteView all(noise);
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t size = 0; size <= 280; ++size) {
      const ByteView piece = all.subspan(from, size);
      ASSERT_EQ(Crc32c(piece), Crc32cByTable(piece)) << from << " " << size;
    }
  }
}

TEST(Crc32cTest, DiffersWhenOneBitDoes) {
  Bytes piece(100, std::byte{7});
  const std::uint32_t whole = Crc32c(piece);
  for (std::size_t bit = 0; bit < piece.size() * 8; ++bit) {
    piece[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(Crc32c(piece), whole) << bit;
    piece[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

}  // namespace
}  // namespace coffer
