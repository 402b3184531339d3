// Changed, cut, swapped and extended age files: all refused, and no byte of a bad chunk is given out.
#include <gtest/gtest.h>

#include "tests/crypto/age_fixture.h"

namespace coffer {
namespace {

using internal::AgeStanza;
using internal::kAgeChunkSize;
using internal::kAgeSealedChunkSize;
using internal::kMaxAgeHeader;

TEST(AgeAttacksTest, ACutAtAnyByteIsRefused) {
  const Bytes file = WriteAge(AgePlaintext(40));
  for (std::size_t size = 0; size < file.size(); ++size) {
    const AgeReading reading = ReadAge(ByteView(file).first(size));
    EXPECT_FALSE(reading.status.ok()) << size;
    EXPECT_TRUE(reading.plaintext.empty()) << size;
  }
}

TEST(AgeAttacksTest, AFlipOfAnyBitIsRefused) {
  const Bytes file = WriteAge(AgePlaintext(40));
  for (std::size_t i = 0; i < file.size() * 8; ++i) {
    Bytes bad = file;
    bad[i / 8] ^= static_cast<std::byte>(1U << i % 8);
    const AgeReading reading = ReadAge(bad);
    ASSERT_FALSE(reading.status.ok()) << i;
    EXPECT_TRUE(reading.plaintext.empty()) << i;
  }
}

TEST(AgeAttacksTest, AFlipOfAnyBitOfAnEmptyFileIsRefused) {
  const Bytes file = WriteAge({});
  for (std::size_t i = 0; i < file.size() * 8; ++i) {
    Bytes bad = file;
    bad[i / 8] ^= static_cast<std::byte>(1U << i % 8);
    EXPECT_FALSE(ReadAge(bad).status.ok()) << i;
  }
}

// A file of three chunks and a bit, its parts in hand.
struct Chunked {
  Bytes plaintext = AgePlaintext(3 * kAgeChunkSize + 100);
  Bytes file = WriteAge(plaintext);
  std::size_t front = file.size() - 3 * kAgeSealedChunkSize - 116;

  ByteView Front() const { return ByteView(file).first(front); }
  ByteView Chunk(std::size_t i) const {
    return i == 3 ? ByteView(file).last(116)
                  : ByteView(file).subspan(front + i * kAgeSealedChunkSize, kAgeSealedChunkSize);
  }
  Bytes Of(const std::vector<std::size_t>& order) const {
    Bytes out = CopyOf(Front());
    for (const std::size_t i : order) Append(out, Chunk(i));
    return out;
  }
  // That exactly the first `chunks` chunks came out, and then an error.
  void ExpectOnly(std::size_t chunks, ByteView bad, std::string_view what) const {
    for (const std::size_t step : {std::size_t{10'000}, SIZE_MAX}) {
      const AgeReading reading = ReadAge(bad, step);
      EXPECT_EQ(reading.Ending(), kPayloadChanged) << what;
      EXPECT_EQ(reading.plaintext, CopyOf(ByteView(plaintext).first(chunks * kAgeChunkSize))) << what;
    }
  }
};

TEST(AgeAttacksTest, ChunksKeepTheirPlaces) {
  const Chunked chunked;
  ASSERT_EQ(ReadAge(chunked.Of({0, 1, 2, 3})).Ending(), "ok");
  chunked.ExpectOnly(0, chunked.Of({1, 0, 2, 3}), "first two swapped");
  chunked.ExpectOnly(1, chunked.Of({0, 2, 1, 3}), "second and third swapped");
  chunked.ExpectOnly(0, chunked.Of({1, 2, 3}), "first dropped");
  chunked.ExpectOnly(1, chunked.Of({0, 2, 3}), "second dropped");
  chunked.ExpectOnly(2, chunked.Of({0, 1, 3}), "third dropped");
  chunked.ExpectOnly(1, chunked.Of({0, 0, 1, 2, 3}), "first repeated");
  chunked.ExpectOnly(3, chunked.Of({0, 1, 2, 3, 3}), "last repeated");
  chunked.ExpectOnly(0, chunked.Of({3, 0, 1, 2}), "last first");
  chunked.ExpectOnly(0, chunked.Of({3}), "last alone");
}

TEST(AgeAttacksTest, ACutBetweenOrInsideChunksIsRefused) {
  const Chunked chunked;
  chunked.ExpectOnly(0, chunked.Of({}), "no chunk");
  chunked.ExpectOnly(0, chunked.Of({0}), "one chunk");
  chunked.ExpectOnly(1, chunked.Of({0, 1}), "two chunks");
  chunked.ExpectOnly(2, chunked.Of({0, 1, 2}), "three chunks");
  for (const std::size_t lost : {1U, 99U, 100U, 101U, 115U}) {
    chunked.ExpectOnly(3, ByteView(chunked.file).first(chunked.file.size() - lost), "inside the last");
  }
  const std::size_t two = chunked.front + 2 * kAgeSealedChunkSize;
  chunked.ExpectOnly(1, ByteView(chunked.file).first(two - 1), "a byte before the third");
  chunked.ExpectOnly(2, ByteView(chunked.file).first(two + 1), "a byte of the third");
}

TEST(AgeAttacksTest, AnExtensionIsRefused) {
  const Chunked chunked;
  for (const std::size_t more : {1U, 16U, 17U, 65'551U, 65'552U, 65'553U, 200'000U}) {
    Bytes longer = chunked.file;
    longer.resize(longer.size() + more);
    chunked.ExpectOnly(3, longer, "zeros");
  }
  Bytes twice = chunked.file;
  Append(twice, chunked.file);
  chunked.ExpectOnly(3, twice, "the file twice");
}

TEST(AgeAttacksTest, NothingOfABadChunkIsGivenOut) {
  const Chunked chunked;
  for (std::size_t chunk = 0; chunk < 4; ++chunk) {
    const std::size_t size = chunked.Chunk(chunk).size();
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 17, size - 16, size - 1}) {
      Bytes bad = chunked.file;
      bad[chunked.front + chunk * kAgeSealedChunkSize + at] ^= std::byte{4};
      chunked.ExpectOnly(chunk, bad, "a flipped bit");
    }
  }
}

TEST(AgeAttacksTest, ChunksOfAnotherFileToTheSameReaderAreRefused) {
  const Chunked a;
  const Chunked b;
  Bytes mixed = a.Of({0, 1});
  Append(mixed, b.Chunk(2));
  Append(mixed, b.Chunk(3));
  a.ExpectOnly(2, mixed, "the tail of another file");
  Bytes moved = CopyOf(a.Front());
  for (std::size_t i = 0; i < 4; ++i) Append(moved, b.Chunk(i));
  a.ExpectOnly(0, moved, "all chunks of another file");
}

struct PayloadCase {
  std::string_view what;
  std::vector<Bytes> chunks;
  std::size_t given_out;  // chunks
};

// Sealed with the right key, so that only their form can be refused.
TEST(AgeAttacksTest, PayloadsOfAnotherFormAreRefused) {
  const AgeParts parts;
  const Bytes full(kAgeChunkSize, std::byte{1});
  const Bytes some(10, std::byte{1});
  ASSERT_EQ(ReadAge(parts.FileOf({parts.Chunk(0, false, full), parts.Chunk(1, true, full)})).Ending(), "ok");
  ASSERT_EQ(ReadAge(parts.FileOf({parts.Chunk(0, true, {})})).Ending(), "ok");
  const std::vector<PayloadCase> cases = {
      {"an empty last chunk behind a full one", {parts.Chunk(0, false, full), parts.Chunk(1, true, {})}, 1},
      {"an empty chunk first", {parts.Chunk(0, false, {}), parts.Chunk(1, true, some)}, 0},
      {"a short chunk first", {parts.Chunk(0, false, some), parts.Chunk(1, true, some)}, 0},
      {"no last chunk", {parts.Chunk(0, false, full)}, 0},
      {"no last chunk, an empty one behind", {parts.Chunk(0, false, full), parts.Chunk(1, false, {})}, 1},
      {"no last chunk of two", {parts.Chunk(0, false, full), parts.Chunk(1, false, full)}, 1},
      {"a full last chunk and another", {parts.Chunk(0, true, full), parts.Chunk(1, true, some)}, 0},
      {"a last chunk twice", {parts.Chunk(0, true, full), parts.Chunk(0, true, full)}, 0},
      {"two files' worth", {parts.Chunk(0, true, some), parts.Chunk(0, true, some)}, 0},
      {"a number left out", {parts.Chunk(0, false, full), parts.Chunk(2, true, some)}, 1},
      {"a full last chunk and its own tag again", {parts.Chunk(0, true, full), Bytes(16)}, 0},
      {"a full last chunk and a byte", {parts.Chunk(0, true, full), Bytes(1)}, 0},
  };
  for (const PayloadCase& c : cases) {
    const AgeReading reading = ReadAge(parts.FileOf(c.chunks));
    EXPECT_EQ(reading.Ending(), kPayloadChanged) << c.what;
    EXPECT_EQ(reading.plaintext.size(), c.given_out * kAgeChunkSize) << c.what;
  }
}

TEST(AgeAttacksTest, AHeaderOfTheLimitIsReadAndOneByteMoreIsNot) {
  const AgeParts parts;
  const auto file_of = [&parts](std::size_t size) {
    const std::size_t rest = size - parts.Header().size();  // "-> ", the argument, two line feeds
    Bytes file = parts.HeaderOf({{{std::string(rest - 5, 'x')}, {}}, parts.ours()});
    COFFER_CHECK(file.size() == size);
    Append(file, parts.nonce());
    Append(file, parts.Chunk(0, true, AgePlaintext(3)));
    return file;
  };
  EXPECT_EQ(ReadAge(file_of(kMaxAgeHeader)).plaintext, AgePlaintext(3));
  const AgeReading reading = ReadAge(file_of(kMaxAgeHeader + 1));
  EXPECT_EQ(reading.Ending(), "invalid_argument: the age header is longer than allowed, in bytes (limit 65536)");
}

TEST(AgeAttacksTest, AHeaderFullOfStrangersIsReadInBoundedTime) {
  const AgeParts parts;
  const AgeStanza strange =
      internal::WrapAgeFileKey(parts.file_key(), AgeIdentity::Generate().Recipient(), SecretOf(Bytes(32, std::byte{1})))
          .value();
  std::vector<AgeStanza> stanzas(660, strange);
  stanzas.push_back(parts.ours());
  Bytes file = parts.HeaderOf(stanzas);
  ASSERT_LE(file.size(), kMaxAgeHeader);
  Append(file, parts.nonce());
  Append(file, parts.Chunk(0, true, AgePlaintext(3)));
  EXPECT_EQ(ReadAge(file).plaintext, AgePlaintext(3));
}

}  // namespace
}  // namespace coffer
