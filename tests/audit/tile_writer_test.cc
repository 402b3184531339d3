#include "audit/tile_writer.h"

#include <gtest/gtest.h>

#include "tests/audit/naive_tree.h"
#include "tests/audit/tile_store.h"

namespace coffer::audit {
namespace {

void Grow(TileWriter& writer, TileStore& store, std::size_t to) {
  while (writer.size() < to) {
    ASSERT_TRUE(writer.Append(AsBytes(RecordText(static_cast<std::size_t>(writer.size()))), store.Sink()).ok());
  }
}

// Every file of a tree, by the definition of c2sp.org/tlog-tiles.
std::map<std::string, Bytes> ExpectedFiles(const NaiveTree& tree, std::size_t size) {
  std::map<std::string, Bytes> files;
  unsigned level = 0;
  for (std::size_t span = 1; span <= size; span *= kTileWidth, ++level) {
    const std::size_t hashes = size / span;
    for (std::size_t first = 0; first < hashes; first += kTileWidth) {
      const std::size_t width = std::min(hashes - first, kTileWidth);
      std::vector<Digest> content;
      Bytes bundle;
      for (std::size_t i = first; i < first + width; ++i) {
        content.push_back(tree.Mth(i * span, (i + 1) * span));
        if (level == 0) AppendToBundle(bundle, AsBytes(RecordText(i)));
      }
      const Tile tile = {TileKind::kHashes, level, first / kTileWidth, width};
      files[tile.Path()] = EncodeHashes(content);
      if (level == 0) files[Tile{TileKind::kRecords, 0, tile.index, width}.Path()] = bundle;
    }
  }
  return files;
}

TEST(TileWriterTest, WritesExactlyTheFilesOfEachSize) {
  constexpr std::size_t kLargest = 66000;
  const NaiveTree tree = NaiveTree::OfCount(kLargest);
  for (const std::size_t size : {0U, 1U, 2U, 255U, 256U, 257U, 512U, 1000U, 65535U, 65536U, 65537U, 66000U}) {
    TileStore store;
    TileWriter writer;
    Grow(writer, store, size);
    ASSERT_TRUE(writer.WritePartial(store.Sink()).ok());
    EXPECT_EQ(writer.Head(), tree.Head(size)) << size;
    EXPECT_TRUE(store.files == ExpectedFiles(tree, size)) << size;
    EXPECT_EQ(store.writes, store.files.size()) << "each file once";
  }
}

TEST(TileWriterTest, CheckpointsOnTheWayAddOnlyTheirPartialTiles) {
  const NaiveTree tree = NaiveTree::OfCount(700);
  TileStore store;
  TileWriter writer;
  std::map<std::string, Bytes> expected;
  for (const std::size_t size : {3U, 200U, 256U, 300U, 700U}) {
    Grow(writer, store, size);
    ASSERT_TRUE(writer.WritePartial(store.Sink()).ok());
    for (auto& [path, content] : ExpectedFiles(tree, size)) expected[path] = content;
    EXPECT_TRUE(store.files == expected) << size;
  }
}

TEST(TileWriterTest, HeadsMatchTheDefinitionAtEverySize) {
  const NaiveTree tree = NaiveTree::OfCount(600);
  TileStore store;
  TileWriter writer;
  for (std::size_t size = 0; size < 600; ++size) {
    ASSERT_EQ(writer.Head(), tree.Head(size)) << size;
    Grow(writer, store, size + 1);
  }
}

TEST(TileWriterTest, ResumesAtEverySizeThatHasACheckpoint) {
  const NaiveTree tree = NaiveTree::OfCount(1000);
  TileStore whole;
  TileWriter straight;
  Grow(straight, whole, 1000);
  for (const std::size_t size : {0U, 1U, 255U, 256U, 257U, 511U, 512U, 777U}) {
    TileStore store;
    TileWriter before;
    Grow(before, store, size);
    ASSERT_TRUE(before.WritePartial(store.Sink()).ok());
    auto resumed = TileWriter::Resume(store.Reader(), tree.Head(size));
    ASSERT_TRUE(resumed.ok()) << size;
    Grow(*resumed, store, 1000);
    EXPECT_EQ(resumed->Head(), tree.Head(1000));
    for (const auto& [path, content] : whole.files) EXPECT_TRUE(store.files[path] == content) << path;
  }
}

TEST(TileWriterTest, ResumesOutOfFullTilesWhenThePartialOnesAreGone) {
  const NaiveTree tree = NaiveTree::OfCount(600);
  TileStore store;
  TileWriter writer;
  Grow(writer, store, 300);
  ASSERT_TRUE(writer.WritePartial(store.Sink()).ok());
  Grow(writer, store, 600);
  for (const Tile& filled : FilledBy({300, 600})) {
    std::erase_if(store.files, [&](const auto& file) { return file.first.starts_with(filled.PartialFolder() + "/"); });
  }
  EXPECT_EQ(store.files.count("tile/0/001.p/44"), 0U);
  auto resumed = TileWriter::Resume(store.Reader(), tree.Head(300));
  ASSERT_TRUE(resumed.ok());
  Grow(*resumed, store, 600);
  EXPECT_EQ(resumed->Head(), tree.Head(600));
}

TEST(TileWriterTest, ResumeRefusesDamagedTiles) {
  const NaiveTree tree = NaiveTree::OfCount(700);
  TileStore good;
  TileWriter writer;
  Grow(writer, good, 700);
  ASSERT_TRUE(writer.WritePartial(good.Sink()).ok());
  for (const char* path : {"tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/002.p/188"}) {
    for (const bool flip : {true, false}) {
      TileStore store = good;
      Bytes& content = store.files.at(path);
      flip ? static_cast<void>(content.back() ^= std::byte{1}) : content.pop_back();
      EXPECT_FALSE(TileWriter::Resume(store.Reader(), tree.Head(700)).ok()) << path;
    }
    TileStore store = good;
    store.files.erase(path);
    EXPECT_EQ(TileWriter::Resume(store.Reader(), tree.Head(700)).error().code(), ErrorCode::kNotFound) << path;
  }
}

TEST(TileWriterTest, ResumeRefusesAnotherTree) {
  const NaiveTree tree = NaiveTree::OfCount(300);
  TileStore store;
  TileWriter writer;
  Grow(writer, store, 300);
  ASSERT_TRUE(writer.WritePartial(store.Sink()).ok());
  EXPECT_EQ(TileWriter::Resume(store.Reader(), {300, EmptyRoot()}).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(TileWriter::Resume(store.Reader(), {0, tree.Mth(0, 300)}).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(TileWriter::Resume(store.Reader(), {kMaxTreeSize + 1, EmptyRoot()}).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(TileWriter::Resume(store.Reader(), tree.Head(299)).error().code(), ErrorCode::kNotFound);
}

TEST(TileWriterTest, RecordsAreBoundedAndMayBeEmpty) {
  TileStore store;
  TileWriter writer;
  EXPECT_TRUE(writer.Append({}, store.Sink()).ok());
  EXPECT_TRUE(writer.Append(Bytes(kMaxRecordBytes), store.Sink()).ok());
  const TreeHead before = writer.Head();
  const Status refused = writer.Append(Bytes(kMaxRecordBytes + 1), store.Sink());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(writer.Head(), before);
}

TEST(TileWriterTest, ResumesAtAnEarlierSizeOutOfTheTilesOfALaterOne) {
  constexpr std::size_t kStored = 66000;
  const NaiveTree tree = NaiveTree::OfCount(kStored);
  TileStore whole;
  TileWriter straight;
  Grow(straight, whole, kStored);
  ASSERT_TRUE(straight.WritePartial(whole.Sink()).ok());
  for (const std::size_t size : {0U, 1U, 255U, 256U, 257U, 65535U, 65536U, 65800U, 65999U, 66000U}) {
    auto resumed = TileWriter::Resume(whole.Reader(), tree.Head(size), kStored);
    ASSERT_TRUE(resumed.ok()) << size;
    Grow(*resumed, whole, kStored);  // Its sink refuses whatever is different.
    EXPECT_EQ(resumed->Head(), tree.Head(kStored)) << size;
  }
  EXPECT_FALSE(TileWriter::Resume(whole.Reader(), tree.Head(300), 299).ok());
}

// A tree whose first records are gone, with their bundles but the one that `size` is in.
void DropBundles(TileStore& store, std::size_t size) {
  for (std::size_t index = 0; index < size / kTileWidth; ++index) {
    store.files.erase(Tile{TileKind::kRecords, 0, index, kTileWidth}.Path());
  }
}

TEST(TileWriterTest, BeginsOutOfLeafHashesWhereRecordsWereDropped) {
  constexpr std::size_t kStored = 66304;  // 259 full tiles
  const NaiveTree tree = NaiveTree::OfCount(kStored);
  TileStore whole;
  TileWriter straight;
  Grow(straight, whole, kStored);
  for (const std::size_t size : {1U, 256U, 300U, 65536U, 65537U, 66000U}) {
    TileStore store;
    store.files = whole.files;
    DropBundles(store, size);
    std::erase_if(store.files, [](const auto& file) { return file.first.starts_with("tile/1/"); });
    auto begun = TileWriter::FromLeaves(store.Reader(), tree.Head(size), store.Sink());
    ASSERT_TRUE(begun.ok()) << size;
    ASSERT_TRUE(begun->ReadPartialBundle(store.Reader()).ok()) << size;
    Grow(*begun, store, kStored);
    EXPECT_EQ(begun->Head(), tree.Head(kStored));
    std::map<std::string, Bytes> expected = whole.files;
    std::swap(expected, store.files);
    DropBundles(store, size);
    EXPECT_TRUE(store.files == expected) << size << ": the upper tiles are there again, and no dropped bundle";
  }
}

TEST(TileWriterTest, LeafHashesOfAnotherTreeOrWithAHoleAreRefused) {
  const NaiveTree tree = NaiveTree::OfCount(768);
  TileStore store;
  TileWriter writer;
  Grow(writer, store, 768);
  const TileSink sink = [](const Tile&, ByteView) { return Status(); };
  EXPECT_EQ(TileWriter::FromLeaves(store.Reader(), {300, EmptyRoot()}, sink).error().code(), ErrorCode::kIntegrity);
  auto begun = TileWriter::FromLeaves(store.Reader(), tree.Head(300), sink);
  ASSERT_TRUE(begun.ok());
  Bytes& bundle = store.files["tile/entries/001"];
  bundle[5] ^= std::byte{1};
  EXPECT_FALSE(begun->ReadPartialBundle(store.Reader()).ok());
  // Without it the next bundle is the first one that is given.
  TileStore after;
  for (std::size_t i = 300; i < 768; ++i) ASSERT_TRUE(begun->Append(AsBytes(RecordText(i)), after.Sink()).ok());
  EXPECT_EQ(after.files.count("tile/entries/001"), 0U);
  EXPECT_EQ(after.files.count("tile/entries/002"), 1U);
  EXPECT_EQ(after.files["tile/0/001"], store.files["tile/0/001"]);
  store.files["tile/0/000"][40] ^= std::byte{1};
  EXPECT_EQ(TileWriter::FromLeaves(store.Reader(), tree.Head(300), sink).error().code(), ErrorCode::kIntegrity);
  store.files.erase("tile/0/000");
  EXPECT_EQ(TileWriter::FromLeaves(store.Reader(), tree.Head(300), sink).error().code(), ErrorCode::kNotFound);
}

TEST(TileWriterTest, TheSinksErrorIsPassedOn) {
  const TileSink full = [](const Tile&, ByteView) -> Status { return Error(ErrorCode::kUnavailable, "disk full"); };
  TileWriter writer;
  for (std::size_t i = 0; i < 255; ++i) ASSERT_TRUE(writer.Append(AsBytes(RecordText(i)), full).ok());
  EXPECT_EQ(writer.WritePartial(full).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(writer.Append(AsBytes("last"), full).error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace coffer::audit
