// The worked example of docs/FORMAT.md section 10, whose bytes a second implementation made, and that page itself.
#include <algorithm>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "audit/pruned_note.h"
#include "audit/tile_writer.h"
#include "audit/tlog_proof.h"
#include "crypto/cursor.h"
#include "tests/audit/naive_tree.h"
#include "tests/crypto/note_vectors.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kOrigin = "coffer/5acf2349-5267-7809-9a38-25188778f680";
constexpr std::string_view kRecords[] = {"one", "two", "three", "four", "five"};
constexpr std::string_view kProof =
    "c2sp.org/tlog-proof@v1\n"
    "index 3\n"
    "Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=\n"
    "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4=\n"
    "zMKa4OAqd7D0V4wawXST15z0JiEEkprIBPkfxOesWvA=\n"
    "\n"
    "coffer/5acf2349-5267-7809-9a38-25188778f680\n"
    "5\n"
    "gy5gl3aksFyiCO95a/1vLXz88A3dRq+0l9Sxte8ZqZQ=\n"
    "\n"
    "— coffer/5acf2349-5267-7809-9a38-25188778f680 "
    "aNyZJYQxDpuSYghu14FTeqFL0KBiUjuGap34dB1yQVuz4lu+RVO3BTF8ePUbTg9/TwPH9E+3uT/dhDxD1GCdb5ThOw0=\n"
    "— witness.example/w1 "
    "IDJKvgAAAABqsTuAe6Hdy+HPBzpKhgkLfV1hKR4OssZB0EacgquAKUnss3LkYzRkftpLkUorfrixZ5N678KQVYWRWdxTCun1BaWTDg==\n";

constexpr std::string_view kPruned =
    "coffer/v1/audit-pruned\n"
    "coffer/5acf2349-5267-7809-9a38-25188778f680\n"
    "3\n"
    "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n"
    "\n"
    "— coffer/5acf2349-5267-7809-9a38-25188778f680 "
    "aNyZJZDL3HLW4K+TMRfleU46L2ipuVEqtSNsv5GSo49EoSUW4T7CTwtUYqX6ACXsdnqZCneoNZV8YYsCJH4lFpkFywU=\n";

NaiveTree ExampleTree() {
  std::vector<Digest> leaves;
  for (const std::string_view record : kRecords) leaves.push_back(LeafHash(AsBytes(record)));
  return NaiveTree(std::move(leaves));
}

TEST(FormatExampleTest, TheTreeIsThePages) {
  const NaiveTree tree = ExampleTree();
  EXPECT_EQ(ToHex(tree.leaves()[3]), "f715ab3faa5d071e6e2ac4bb994d5bf735943dcc3799da0d085e7980cfb9336a");
  Frontier frontier;
  for (const Digest& leaf : tree.leaves()) frontier.Append(leaf);
  EXPECT_EQ(ToHex(frontier.Root()), "832e609776a4b05ca208ef796bfd6f2d7cfcf00ddd46afb497d4b1b5ef19a994");
  EXPECT_EQ(ToHex(frontier.Encode()),
            "0000000000000005"
            "cd8d65377e6fad76003e2c5749de7d2ec536f71509b6e5b8a3674d360e58d82a"
            "ccc29ae0e02a77b0f4578c1ac17493d79cf4262104929ac804f91fc4e7ac5af0");
  const Proof growth = MakeConsistencyProof({3, 5}, tree.Source()).value();
  EXPECT_EQ(growth, (Proof{tree.leaves()[2], tree.leaves()[3], tree.Mth(0, 2), tree.leaves()[4]}));
  EXPECT_EQ(ToHex(tree.Mth(0, 3)), "5aac771c899ac292e74bf1afe2e6e302f8b55883b2d1bf197b46a6bea6dabca9");
}

TEST(FormatExampleTest, TheTilesAreThePages) {
  std::vector<std::string> paths;
  std::string bundle;
  const TileSink sink = [&](const Tile& tile, ByteView content) -> Status {
    paths.push_back(tile.Path());
    if (tile.kind == TileKind::kRecords) bundle = ToHex(content);
    return {};
  };
  TileWriter writer;
  for (const std::string_view record : kRecords) ASSERT_TRUE(writer.Append(AsBytes(record), sink).ok());
  EXPECT_TRUE(paths.empty());
  ASSERT_TRUE(writer.WritePartial(sink).ok());
  EXPECT_EQ(paths, (std::vector<std::string>{"tile/0/000.p/5", "tile/entries/000.p/5"}));
  EXPECT_EQ(bundle, "00036f6e65000374776f000574687265650004666f7572000466697665");
}

TEST(FormatExampleTest, TheNoteOfRetentionIsThePages) {
  const NoteSigner log = NoteSigner::Create(kOrigin, KeyFrom(0)).value();
  EXPECT_EQ(SignPruned(ExampleTree().Head(3), log)->ToText(), kPruned);
  EXPECT_EQ(OpenPruned(kPruned, log.verifier()).value(), ExampleTree().Head(3));
}

TEST(FormatExampleTest, TheProofIsThePages) {
  const NaiveTree tree = ExampleTree();
  const NoteSigner log = NoteSigner::Create(kOrigin, KeyFrom(0)).value();
  const NoteCosigner witness = NoteCosigner::Create("witness.example/w1", KeyFrom(32)).value();
  EXPECT_EQ(log.verifier().ToText(),
            "coffer/5acf2349-5267-7809-9a38-25188778f680+68dc9925+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
  EXPECT_EQ(witness.verifier().ToText(), "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X");
  TlogProof proof;
  proof.index = 3;
  proof.inclusion = MakeInclusionProof({3, 5}, tree.Source()).value();
  proof.checkpoint = SignCheckpoint(tree.Head(5), log).value();
  proof.checkpoint.signatures.push_back(witness.Cosign(proof.checkpoint.text, 1790000000).value());
  EXPECT_EQ(proof.ToText(), kProof);
  LogTrust trust = LogTrust::Of(log.verifier());
  trust.witnesses = {witness.verifier()};
  trust.quorum = 1;
  EXPECT_TRUE(VerifyTlogProof(proof, LeafHash(AsBytes("four")), trust).ok());
  EXPECT_FALSE(VerifyTlogProof(proof, LeafHash(AsBytes("five")), trust).ok());
}

TEST(FormatExampleTest, ThePageHasIt) {
  std::ifstream stream("docs/FORMAT.md");
  const std::string page{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  EXPECT_NE(page.find(kProof), std::string::npos);
  EXPECT_NE(page.find(kPruned), std::string::npos);
  const NaiveTree tree = ExampleTree();
  for (const Digest& leaf : tree.leaves()) EXPECT_NE(page.find(ToHex(leaf)), std::string::npos);
}

}  // namespace
}  // namespace coffer::audit
