#include "audit/tiles.h"

#include <set>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"
#include "tests/audit/naive_tree.h"
#include "tests/audit/tile_store.h"
#include "tests/support/temp_dir.h"

namespace coffer::audit {
namespace {

std::set<std::string> PathsOf(const std::vector<Tile>& tiles) {
  std::set<std::string> paths;
  for (const Tile& tile : tiles) paths.insert(tile.Path());
  return paths;
}

TileStore StoreOf(std::size_t size) {
  TileStore store;
  TileWriter writer;
  for (std::size_t i = 0; i < size; ++i) COFFER_CHECK(writer.Append(AsBytes(RecordText(i)), store.Sink()).ok());
  COFFER_CHECK(writer.WritePartial(store.Sink()).ok());
  return store;
}

TEST(TileTest, PathsAreThoseOfC2sp) {
  const struct {
    Tile tile;
    const char* path;
  } cases[] = {
      {{TileKind::kHashes, 0, 0, 256}, "tile/0/000"},
      {{TileKind::kHashes, 0, 1234067, 256}, "tile/0/x001/x234/067"},
      {{TileKind::kHashes, 1, 999, 17}, "tile/1/999.p/17"},
      {{TileKind::kHashes, 2, 1000, 1}, "tile/2/x001/000.p/1"},
      {{TileKind::kHashes, 7, 0, 64}, "tile/7/000.p/64"},
      {{TileKind::kRecords, 0, 273, 112}, "tile/entries/273.p/112"},
      {{TileKind::kRecords, 0, 1000000, 256}, "tile/entries/x001/x000/000"},
      {{TileKind::kHashes, 0, (kMaxTreeSize >> 8) - 1, 255}, "tile/0/x018/x014/x398/x509/x481/983.p/255"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(c.tile.Path(), c.path);
    const auto tile = Tile::Parse(c.path);
    ASSERT_TRUE(tile.ok()) << c.path;
    EXPECT_EQ(*tile, c.tile);
  }
  EXPECT_EQ((Tile{TileKind::kRecords, 0, 1000, 5}.PartialFolder()), "tile/entries/x001/000.p");
}

TEST(TileTest, OtherPathsAreRefused) {
  for (const std::string_view path : {"",
                                      "tile",
                                      "tile/",
                                      "tile/0",
                                      "tile/0/",
                                      "checkpoint",
                                      "tile/0/0",
                                      "tile/0/00",
                                      "tile/0/0000",
                                      "tile/0/x000",
                                      "tile/0/x000/000",
                                      "tile/0/001/000",
                                      "tile/0/x001/x000",
                                      "tile/0/x1/000",
                                      "tile/0/xx01/000",
                                      "tile/0/x001000",
                                      "tile/00/000",
                                      "tile/8/000",
                                      "tile/63/000",
                                      "tile/-1/000",
                                      "tile/0/-01",
                                      "tile/0/00a",
                                      "tile/0/000/",
                                      "tile/0/000.p",
                                      "tile/0/000.p/",
                                      "tile/0/000.p/0",
                                      "tile/0/000.p/256",
                                      "tile/0/000.p/01",
                                      "tile/0/000.p/1/",
                                      "tile/0/000.p/1.p/1",
                                      "tile/0/000.p/x",
                                      "tile/entry/000",
                                      "tile/Entries/000",
                                      "tile/entries/",
                                      "/tile/0/000",
                                      "tile//0/000",
                                      "tile/0//000",
                                      "tile/0/../000",
                                      "tile/0/000 ",
                                      "tile/0/000\n",
                                      "tile/0/x018/x014/x398/x509/x481/984",
                                      "tile/7/001",
                                      "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
                                      "tile/6/064"}) {
    const auto tile = Tile::Parse(path);
    ASSERT_FALSE(tile.ok()) << path;
    EXPECT_EQ(tile.error().code(), ErrorCode::kInvalidArgument);
  }
}

// The example of c2sp.org/tlog-tiles.
TEST(PartialTilesTest, AreThoseOfC2spsExample) {
  EXPECT_EQ(PathsOf(PartialTilesOf(70000)),
            (std::set<std::string>{"tile/0/273.p/112", "tile/entries/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"}));
  EXPECT_EQ(PathsOf(PartialTilesOf(256)), (std::set<std::string>{"tile/1/000.p/1"}));
  EXPECT_TRUE(PartialTilesOf(0).empty());
  EXPECT_EQ(PathsOf(PartialTilesOf(1)), (std::set<std::string>{"tile/0/000.p/1", "tile/entries/000.p/1"}));
  EXPECT_EQ(PathsOf(PartialTilesOf(kMaxTreeSize)), (std::set<std::string>{"tile/7/000.p/64"}));
}

TEST(FilledByTest, NamesWhatIsNoLongerPartial) {
  const auto filled = [](std::uint64_t from, std::uint64_t to) { return PathsOf(FilledBy({from, to})); };
  using Paths = std::set<std::string>;
  EXPECT_EQ(filled(0, 300), Paths());
  EXPECT_EQ(filled(255, 255), Paths());
  EXPECT_EQ(filled(1, 255), Paths());
  EXPECT_EQ(filled(1, 256), (Paths{"tile/0/000", "tile/entries/000"}));
  EXPECT_EQ(filled(256, 512), Paths());
  EXPECT_EQ(filled(257, 511), Paths());
  EXPECT_EQ(filled(65535, 65536), (Paths{"tile/0/255", "tile/entries/255", "tile/1/000"}));
  EXPECT_EQ(filled(1000, 1000000), (Paths{"tile/0/003", "tile/entries/003", "tile/1/000"}));
}

TEST(TileAtTest, AHashThatIsNotThereHasNoTile) {
  EXPECT_EQ(TileAt(TileKind::kHashes, 0, {255, 256}).width, 256U);
  EXPECT_EQ(TileAt(TileKind::kHashes, 0, {256, 257}), (Tile{TileKind::kHashes, 0, 1, 1}));
  EXPECT_DEATH(TileAt(TileKind::kHashes, 0, {1, 1}), "check failed");
  EXPECT_DEATH(TileAt(TileKind::kHashes, 1, {0, 255}), "check failed");
}

TEST(HashesTest, OtherSizesAreRefused) {
  const std::vector<Digest> hashes = NaiveTree::OfCount(3).leaves();
  const Bytes content = EncodeHashes(hashes);
  EXPECT_EQ(content.size(), 96U);
  EXPECT_EQ(ParseHashes(content, 3).value(), hashes);
  EXPECT_FALSE(ParseHashes(content, 2).ok());
  EXPECT_FALSE(ParseHashes(content, 4).ok());
  EXPECT_FALSE(ParseHashes(ByteView(content).first(95), 3).ok());
  EXPECT_FALSE(ParseHashes({}, 1).ok());
}

TEST(BundleTest, HoldsRecordsOfEverySize) {
  Bytes bundle;
  const std::vector<Bytes> records = {Bytes(), Bytes(1), Bytes(300, std::byte{7}), Bytes(kMaxRecordBytes)};
  for (const Bytes& record : records) AppendToBundle(bundle, record);
  const auto parsed = ParseBundle(bundle, records.size());
  ASSERT_TRUE(parsed.ok());
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(CopyOf((*parsed)[i]), records[i]);
  EXPECT_DEATH(AppendToBundle(bundle, Bytes(kMaxRecordBytes + 1)), "check failed");
}

TEST(BundleTest, WhatIsNotExactlyThatManyRecordsIsRefused) {
  Bytes bundle;
  for (const std::string_view record : {"one", "two"}) AppendToBundle(bundle, AsBytes(record));
  EXPECT_TRUE(ParseBundle(bundle, 2).ok());
  EXPECT_FALSE(ParseBundle(bundle, 1).ok());
  EXPECT_FALSE(ParseBundle(bundle, 3).ok());
  EXPECT_FALSE(ParseBundle({}, 1).ok());
  for (std::size_t size = 0; size < bundle.size(); ++size) {
    EXPECT_FALSE(ParseBundle(ByteView(bundle).first(size), 2).ok()) << size;
  }
  bundle.push_back(std::byte{0});
  EXPECT_FALSE(ParseBundle(bundle, 2).ok());
}

TEST(TileHashesTest, ProofsOutOfTilesMatchTheDefinition) {
  const NaiveTree tree = NaiveTree::OfCount(1100);
  for (const std::size_t size : {1U, 2U, 255U, 256U, 257U, 511U, 512U, 777U, 1100U}) {
    TileStore store = StoreOf(size);
    TileHashes hashes(store.Reader(), size);
    EXPECT_EQ(FrontierAt(size, hashes.Source())->Head(), tree.Head(size));
    for (std::size_t index = 0; index < size; index += index < 600 ? 1 : 37) {
      const auto proof = MakeInclusionProof({index, size}, hashes.Source());
      ASSERT_TRUE(proof.ok()) << index << " of " << size;
      ASSERT_EQ(*proof, tree.Path(index, size)) << index << " of " << size;
    }
    for (std::size_t from = 1; from <= size; from += 13) {
      const auto proof = MakeConsistencyProof({from, size}, hashes.Source());
      ASSERT_TRUE(proof.ok());
      ASSERT_EQ(*proof, tree.Consistency(from, size)) << from << " to " << size;
    }
  }
}

TEST(TileHashesTest, AProofReadsAFewTilesOnce) {
  TileStore store = StoreOf(70000);
  store.reads = 0;
  TileHashes hashes(store.Reader(), 70000);
  ASSERT_TRUE(MakeInclusionProof({12345, 70000}, hashes.Source()).ok());
  EXPECT_LE(store.reads, 5U);
  ASSERT_TRUE(MakeInclusionProof({12346, 70000}, hashes.Source()).ok());
  EXPECT_LE(store.reads, 5U);
}

TEST(TileHashesTest, TheFullTileStandsForAPartialOne) {
  TileStore store = StoreOf(70000);
  const NaiveTree tree = NaiveTree::OfCount(300);
  TileHashes hashes(store.Reader(), 300);  // its partial tiles were never written
  EXPECT_EQ(FrontierAt(300, hashes.Source())->Head(), tree.Head(300));
}

TEST(TileHashesTest, SubtreesOutsideOfTheTreeAreRefused) {
  TileStore store = StoreOf(300);
  TileHashes hashes(store.Reader(), 300);
  EXPECT_TRUE(hashes.Get(8, 0).ok());
  EXPECT_TRUE(hashes.Get(0, 299).ok());
  EXPECT_EQ(hashes.Get(0, 300).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(hashes.Get(8, 1).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(hashes.Get(9, 0).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(hashes.Get(64, 0).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(hashes.Get(~0U, 0).error().code(), ErrorCode::kInvalidArgument);
  TileHashes vast(store.Reader(), kMaxTreeSize + 1);
  EXPECT_EQ(vast.Get(0, 0).error().code(), ErrorCode::kInvalidArgument);
}

TEST(TileHashesTest, MissingAndDamagedTilesAreErrors) {
  TileStore store = StoreOf(300);
  store.files.erase("tile/0/000");
  store.files["tile/0/001.p/44"].pop_back();
  TileHashes hashes(store.Reader(), 300);
  EXPECT_EQ(hashes.Get(0, 0).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(hashes.Get(0, 256).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(hashes.Get(8, 0).ok());
}

TEST(ReadBundleTest, TakesTheBeginningOfTheFullBundle) {
  TileStore store = StoreOf(512);
  const Tile partial = {TileKind::kRecords, 0, 1, 44};
  const auto bundle = ReadBundle(store.Reader(), partial);
  ASSERT_TRUE(bundle.ok());
  const auto records = ParseBundle(*bundle, 44);
  ASSERT_TRUE(records.ok());
  EXPECT_EQ(AsText(records->back()), RecordText(299));
  store.files["tile/entries/001"].push_back(std::byte{0});
  EXPECT_EQ(ReadBundle(store.Reader(), partial).error().code(), ErrorCode::kInvalidArgument);
  store.files.clear();
  EXPECT_EQ(ReadBundle(store.Reader(), partial).error().code(), ErrorCode::kNotFound);
}

TEST(ReadTilesInTest, ReadsTheFilesOfAFolder) {
  const TempDir folder;
  const TileReader reader = ReadTilesIn(folder.path());
  EXPECT_EQ(reader("tile/0/000.p/1").error().code(), ErrorCode::kNotFound);
  for (const char* name : {"tile", "tile/0", "tile/0/000.p"}) ASSERT_TRUE(MakeDirectory(folder / name, 0700).ok());
  const std::vector<Digest> leaf = NaiveTree::OfCount(1).leaves();
  ASSERT_TRUE(WriteFileDurably(folder / "tile/0/000.p/1", EncodeHashes(leaf), 0600).ok());
  EXPECT_EQ(TileHashes(reader, 1).Get(0, 0).value(), leaf.front());
}

}  // namespace
}  // namespace coffer::audit
