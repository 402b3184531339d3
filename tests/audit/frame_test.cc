#include "audit/frame.h"

#include <gtest/gtest.h>

#include "crypto/cursor.h"
#include "tests/audit/journal_fixture.h"

namespace coffer::audit {
namespace {

Mark MarkOf(std::string_view hex) {
  const Bytes bytes = *FromHex(hex);
  Mark mark{};
  std::copy(bytes.begin(), bytes.end(), mark.begin());
  return mark;
}

Digest DigestOf(std::string_view hex) {
  const Bytes bytes = *FromHex(hex);
  Digest digest{};
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

constexpr char kRootOf2[] = "4f55f619d9215235778b2b9f17d6f4915b16171214d152381293669764de722e";
constexpr char kRootOf3[] = "5aac771c899ac292e74bf1afe2e6e302f8b55883b2d1bf197b46a6bea6dabca9";
constexpr char kFirstFrame[] =
    "c0ffee01234567896b2f7e020000000a0000000000000000000000024f55f619d9215235778b2b9f17d6f4915b16171214d152381293669764"
    "de"
    "722e00036f6e65000374776f0000";
constexpr char kSecondFrame[] =
    "c0ffee0123456789d7331d10000000070000000000000002000000015aac771c899ac292e74bf1afe2e6e302f8b55883b2d1bf197b46a6bea6"
    "da"
    "bca9000574687265650000000000";
constexpr char kHeaderDigest[] = "b321cbc3d80fb56696c63b0a1fa2b043aec22e81c51e342139408a68ad1ad370";
constexpr char kEnd[] = "76bfede61de99df3c7fbd5224a4badc64b3599a0a50ab68abe7665e7ab800533";

// The worked example of docs/FORMAT.md, section 9, which another implementation made.
class WorkedExample : public ::testing::Test {
 protected:
  WorkedExample() {
    first_.mark = MarkOf("c0ffee0123456789");
    first_.file_bytes = kMinFileBytes;
    first_.origin = OriginDigest(testing::kOrigin);
  }
  FileHeader first_;
};

TEST_F(WorkedExample, HasItsFirstHeader) {
  const Bytes header = EncodeFileHeader(first_);
  EXPECT_EQ(ToHex(ByteView(header).first(152)),
            "636f666665722f76312f61756469742d6a6f75726e616c00c0ffee01234567890000000000000000000000000002"
            "00004bd9068106eea34b2f9db8b7b5e2b95a66fccefa594633a0cbc2e284274ba4e9" +
                std::string(144, '0'));
  EXPECT_EQ(ToHex(ByteView(header).last(4)), "0ecfe661");
  EXPECT_EQ(ToHex(Sha256({header})), kHeaderDigest);
}

TEST_F(WorkedExample, HasItsFramesAndItsEnd) {
  FrameBuilder frame;
  frame.Add(AsBytes("one"));
  frame.Add(AsBytes("two"));
  EXPECT_EQ(ToHex(frame.Finish(first_.mark, 0, DigestOf(kRootOf2))), kFirstFrame);
  frame.Clear();
  frame.Add(AsBytes("three"));
  EXPECT_EQ(ToHex(frame.Finish(first_.mark, 2, DigestOf(kRootOf3))), kSecondFrame);
  Digest end = DigestOf(kHeaderDigest);
  for (const char* hex : {kFirstFrame, kSecondFrame}) {
    end = EndAfter(end, ByteView(*FromHex(hex)).first(kFrameHeadBytes));
  }
  EXPECT_EQ(ToHex(end), kEnd);
}

TEST_F(WorkedExample, HasItsSecondHeader) {
  FileHeader second = first_;
  second.mark = MarkOf("0badcafe89abcdef");
  second.number = 1;
  second.previous_header = DigestOf(kHeaderDigest);
  second.previous_end = DigestOf(kEnd);
  for (const char* record : {"one", "two", "three"}) second.before.Append(LeafHash(AsBytes(record)));
  const Bytes header = EncodeFileHeader(second);
  EXPECT_EQ(ToHex(ByteView(header).last(4)), "0a67ce07");
  const Result<FileHeader> parsed = ParseFileHeader(header);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->first_index(), 3U);
  EXPECT_TRUE(parsed->before == second.before);
  EXPECT_EQ(EncodeFileHeader(*parsed), header);
}

TEST_F(WorkedExample, IsReadBack) {
  const Bytes bytes = *FromHex(kFirstFrame);
  const std::optional<FrameHead> head = ParseFrameHead(first_.mark, bytes);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->first, 0U);
  EXPECT_EQ(head->next(), 2U);
  EXPECT_EQ(head->frame_bytes(), bytes.size());
  EXPECT_EQ(ToHex(head->root), kRootOf2);
  ASSERT_TRUE(FrameIsWhole(*head, bytes));
  const Result<ByteView> records = RecordsOf(*head, bytes);
  ASSERT_TRUE(records.ok());
  RecordWalk walk(*records);
  EXPECT_EQ(AsText(*walk.Next()), "one");
  EXPECT_EQ(AsText(*walk.Next()), "two");
  EXPECT_FALSE(walk.Next().has_value());
  EXPECT_TRUE(walk.rest().empty());
}

TEST_F(WorkedExample, NoFlippedBitOfAHeaderIsTaken) {
  const Bytes header = EncodeFileHeader(first_);
  for (std::size_t bit = 0; bit < header.size() * 8; ++bit) {
    Bytes flipped = header;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_FALSE(ParseFileHeader(flipped).ok()) << bit;
  }
}

TEST_F(WorkedExample, NoFlippedBitOfAFrameIsTaken) {
  const Bytes frame = *FromHex(kFirstFrame);
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    Bytes flipped = frame;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    const std::optional<FrameHead> head = ParseFrameHead(first_.mark, flipped);
    EXPECT_FALSE(head && FrameIsWhole(*head, flipped)) << bit;
  }
}

TEST_F(WorkedExample, HeadersThatBreakARuleAreRefusedWithARightChecksum) {
  const Bytes header = EncodeFileHeader(first_);
  ASSERT_TRUE(ParseFileHeader(header).ok());
  struct Bad {
    const char* what;
    std::size_t offset;
    const char* hex;
  };
  for (const Bad& bad : {Bad{"other magic", 0, "64"}, Bad{"mark of zeros", 24, "0000000000000000"},
                         Bad{"file too small", 40, "000000000001f000"}, Bad{"file too large", 40, "0000000040001000"},
                         Bad{"file size uneven", 40, "0000000000020008"}, Bad{"more hashes than bits", 152, "01"},
                         Bad{"a tree too large", 144, "7fffffffffffffff"}, Bad{"not zero behind", 4091, "01"}}) {
    Bytes changed = header;
    const Bytes bytes = *FromHex(bad.hex);
    std::copy(bytes.begin(), bytes.end(), changed.begin() + static_cast<std::ptrdiff_t>(bad.offset));
    testing::MendHeader(changed);
    const Result<FileHeader> parsed = ParseFileHeader(changed);
    ASSERT_FALSE(parsed.ok()) << bad.what;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kIntegrity);
  }
  EXPECT_FALSE(ParseFileHeader(ByteView(header).first(4095)).ok());
  EXPECT_FALSE(ParseFileHeader(ByteView()).ok());
}

TEST(ParseFrameHeadTest, RefusesSizesOutOfBounds) {
  const Bytes frame = *FromHex(kFirstFrame);
  const Mark mark = MarkOf("c0ffee0123456789");
  ASSERT_TRUE(ParseFrameHead(mark, frame));
  struct Bad {
    std::size_t offset;
    const char* hex;
  };
  for (const Bad& bad : {Bad{0, "c1"}, Bad{12, "00000002"}, Bad{12, "00800001"}, Bad{16, "4000000000000000"},
                         Bad{16, "ffffffffffffffff"}, Bad{24, "00000000"}, Bad{24, "00004001"}, Bad{24, "ffffffff"}}) {
    Bytes changed = frame;
    const Bytes bytes = *FromHex(bad.hex);
    std::copy(bytes.begin(), bytes.end(), changed.begin() + static_cast<std::ptrdiff_t>(bad.offset));
    EXPECT_FALSE(ParseFrameHead(mark, changed)) << bad.hex;
  }
  EXPECT_FALSE(ParseFrameHead(mark, ByteView(frame).first(kFrameHeadBytes - 1)));
  EXPECT_FALSE(ParseFrameHead(mark, ByteView()));
}

TEST(RecordsOfTest, RefusesRecordsThatAreNotAsTheHeadSays) {
  const Mark mark = MarkOf("c0ffee0123456789");
  struct Bad {
    const char* what;
    std::size_t offset;
    const char* hex;
  };
  for (const Bad& bad :
       {Bad{"one more", 24, "00000003"}, Bad{"one less", 24, "00000001"}, Bad{"shorter", 12, "00000009"},
        Bad{"longer", 12, "0000000b"}, Bad{"an empty record", 60, "0000"}, Bad{"a record over the end", 65, "0004"},
        Bad{"not zero behind", 70, "01"}}) {
    Bytes frame = *FromHex(kFirstFrame);
    const Bytes bytes = *FromHex(bad.hex);
    std::copy(bytes.begin(), bytes.end(), frame.begin() + static_cast<std::ptrdiff_t>(bad.offset));
    testing::MendFrame(frame, 0);
    const std::optional<FrameHead> head = ParseFrameHead(mark, frame);
    ASSERT_TRUE(head && FrameIsWhole(*head, frame)) << bad.what;
    EXPECT_EQ(RecordsOf(*head, frame).error().code(), ErrorCode::kIntegrity) << bad.what;
  }
}

TEST(FrameBuilderTest, KnowsItsRoom) {
  FrameBuilder frame;
  EXPECT_TRUE(frame.HasRoomFor(98, 100));
  EXPECT_FALSE(frame.HasRoomFor(99, 100));
  frame.Add(Bytes(98));
  EXPECT_FALSE(frame.HasRoomFor(1, 100));
  frame.Clear();
  for (std::size_t i = 0; i < kMaxFrameRecords; ++i) frame.Add(Bytes(1));
  EXPECT_FALSE(frame.HasRoomFor(1, kMaxFrameRecordsBytes));
  EXPECT_EQ(frame.count(), kMaxFrameRecords);
}

TEST(FrameBuilderTest, TheLargestFrameIsReadBack) {
  FrameBuilder frame;
  const Bytes record(kMaxRecordBytes, std::byte{7});
  while (frame.HasRoomFor(record.size(), kMaxFrameRecordsBytes)) frame.Add(record);
  frame.Add(Bytes(kMaxFrameRecordsBytes - frame.records_bytes() - kRecordSizeBytes, std::byte{1}));
  const Mark mark = NewMark();
  const ByteView bytes = frame.Finish(mark, kMaxTreeSize - frame.count(), Digest{});
  const std::optional<FrameHead> head = ParseFrameHead(mark, bytes);
  ASSERT_TRUE(head.has_value());
  EXPECT_TRUE(FrameIsWhole(*head, bytes));
  EXPECT_TRUE(RecordsOf(*head, bytes).ok());
}

TEST(FrameBuilderDeathTest, TakesNoRecordOutOfBounds) {
  FrameBuilder frame;
  EXPECT_DEATH(frame.Add(ByteView()), "record.empty");
  EXPECT_DEATH(frame.Add(Bytes(kMaxRecordBytes + 1)), "kMaxRecordBytes");
}

TEST(NewMarkTest, IsAnotherEachTime) { EXPECT_NE(NewMark(), NewMark()); }

}  // namespace
}  // namespace coffer::audit
