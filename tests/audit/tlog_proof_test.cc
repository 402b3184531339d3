#include "audit/tlog_proof.h"

#include <gtest/gtest.h>

#include "crypto/text_form.h"
#include "tests/audit/naive_tree.h"
#include "tests/crypto/note_vectors.h"

namespace coffer::audit {
namespace {

NoteSigner Log() { return NoteSigner::Create("example.com/log", KeyFrom(0)).value(); }
LogTrust Trust() { return LogTrust::Of(Log().verifier()); }

TlogProof ProofOf(const NaiveTree& tree, LeafPlace leaf) {
  TlogProof proof;
  proof.index = leaf.index;
  proof.inclusion = MakeInclusionProof(leaf, tree.Source()).value();
  proof.checkpoint = SignCheckpoint(tree.Head(static_cast<std::size_t>(leaf.size)), Log()).value();
  return proof;
}

TEST(TlogProofTest, EveryRecordOfALogVerifies) {
  const NaiveTree tree = NaiveTree::OfCount(20);
  for (std::uint64_t size = 1; size <= 20; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const std::string text = ProofOf(tree, {index, size}).ToText();
      const auto proof = TlogProof::Parse(text);
      ASSERT_TRUE(proof.ok());
      EXPECT_EQ(proof->ToText(), text);
      const auto opened = VerifyTlogProof(*proof, tree.leaves()[index], Trust());
      ASSERT_TRUE(opened.ok()) << index << " of " << size;
      EXPECT_EQ(opened->checkpoint.head, tree.Head(size));
    }
  }
}

TEST(TlogProofTest, ExtraDataComesBack) {
  TlogProof proof = ProofOf(NaiveTree::OfCount(3), {1, 3});
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, kMaxTlogProofExtra}) {
    proof.extra = Bytes(size, std::byte{0xFF});
    const auto parsed = TlogProof::Parse(proof.ToText());
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, proof);
  }
  EXPECT_EQ(proof.ToText().rfind("c2sp.org/tlog-proof@v1\nextra //", 0), 0U);
}

TEST(TlogProofTest, AnotherRecordIndexOrHashIsRefused) {
  const NaiveTree tree = NaiveTree::OfCount(20);
  const TlogProof good = ProofOf(tree, {7, 20});
  EXPECT_TRUE(VerifyTlogProof(good, tree.leaves()[7], Trust()).ok());
  EXPECT_EQ(VerifyTlogProof(good, tree.leaves()[8], Trust()).error().code(), ErrorCode::kIntegrity);
  for (const std::uint64_t index : {0U, 6U, 8U, 19U, 20U, 1000000U}) {
    TlogProof changed = good;
    changed.index = index;
    EXPECT_EQ(VerifyTlogProof(changed, tree.leaves()[7], Trust()).error().code(), ErrorCode::kIntegrity) << index;
  }
  TlogProof shorter = good;
  shorter.inclusion.pop_back();
  EXPECT_FALSE(VerifyTlogProof(shorter, tree.leaves()[7], Trust()).ok());
  TlogProof longer = good;
  longer.inclusion.push_back(tree.leaves()[0]);
  EXPECT_FALSE(VerifyTlogProof(longer, tree.leaves()[7], Trust()).ok());
}

TEST(TlogProofTest, AnotherLogIsRefused) {
  const NaiveTree tree = NaiveTree::OfCount(4);
  const TlogProof proof = ProofOf(tree, {0, 4});
  const NoteSigner other = NoteSigner::Create("example.com/log", KeyFrom(1)).value();
  EXPECT_EQ(VerifyTlogProof(proof, tree.leaves()[0], LogTrust::Of(other.verifier())).error().code(),
            ErrorCode::kIntegrity);
  LogTrust with_quorum = Trust();
  with_quorum.witnesses.push_back(NoteCosigner::Create("w", KeyFrom(32)).value().verifier());
  with_quorum.quorum = 1;
  EXPECT_EQ(VerifyTlogProof(proof, tree.leaves()[0], with_quorum).error().code(), ErrorCode::kIntegrity);
}

TEST(TlogProofTest, EveryChangedCharacterIsRefused) {
  const NaiveTree tree = NaiveTree::OfCount(5);
  const std::string text = ProofOf(tree, {2, 5}).ToText();
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char flip : {'\x01', '\x02', '\x04', ' '}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      const auto proof = TlogProof::Parse(changed);
      EXPECT_FALSE(proof.ok() && VerifyTlogProof(*proof, tree.leaves()[2], Trust()).ok()) << i;
    }
  }
}

TEST(TlogProofTest, EveryBeginningIsRefused) {
  const std::string text = ProofOf(NaiveTree::OfCount(5), {2, 5}).ToText();
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(TlogProof::Parse(text.substr(0, size)).ok());
}

TEST(TlogProofTest, MalformedProofsAreRefused) {
  const NaiveTree tree = NaiveTree::OfCount(2);
  const std::string note = SignCheckpoint(tree.Head(2), Log()).value().ToText();
  const std::string hash = ToBase64(EmptyRoot()) + "\n";
  const std::string header = "c2sp.org/tlog-proof@v1\n";
  std::string many = header + "index 0\n";
  for (std::size_t i = 0; i <= kMaxProofHashes; ++i) many += hash;
  const struct {
    const char* name;
    std::string text;
    std::uint64_t line;
  } cases[] = {
      {"empty", "", 0},
      {"another header", "c2sp.org/tlog-proof@v2\nindex 0\n\n" + note, 1},
      {"header in upper case", "C2SP.org/tlog-proof@v1\nindex 0\n\n" + note, 1},
      {"no header", "index 0\n\n" + note, 1},
      {"no index", header + "\n" + note, 2},
      {"index with a leading zero", header + "index 00\n\n" + note, 2},
      {"negative index", header + "index -1\n\n" + note, 2},
      {"index that is no number", header + "index notanumber\n\n" + note, 2},
      {"index without a space", header + "index0\n\n" + note, 2},
      {"index with two spaces", header + "index  0\n\n" + note, 2},
      {"index too large", header + "index 4611686018427387904\n\n" + note, 2},
      {"index twice", header + "index 0\nindex 0\n\n" + note, 3},
      {"empty extra", header + "extra \nindex 0\n\n" + note, 2},
      {"extra without a space", header + "extra\nindex 0\n\n" + note, 2},
      {"extra that is not base64", header + "extra !!notbase64!!\nindex 0\n\n" + note, 2},
      {"extra twice", header + "extra AAAA\nextra AAAA\nindex 0\n\n" + note, 3},
      {"extra behind the index", header + "index 0\nextra AAAA\n\n" + note, 3},
      {"extra too long", header + "extra " + ToBase64(Bytes(kMaxTlogProofExtra + 1)) + "\nindex 0\n\n" + note, 2},
      {"hash of 31 bytes", header + "index 0\n" + ToBase64(Bytes(31)) + "\n\n" + note, 3},
      {"hash of 64 bytes", header + "index 0\n" + ToBase64(Bytes(64)) + "\n\n" + note, 3},
      {"hash in hex", header + "index 0\n" + ToHex(EmptyRoot()) + "\n\n" + note, 3},
      {"too many hashes", many + "\n" + note, 66},
      {"no empty line", header + "index 0\n" + note, 3},
      {"two empty lines", header + "index 0\n\n\n" + note, 4},
      {"no checkpoint", header + "index 0\n\n", 0},
      {"a note that is no checkpoint", header + "index 0\n\ntext\n\n— a AAAAAAA=\n", 5},
      {"carriage returns", header + "index 0\r\n\r\n" + note, 2},
      {"too long", header + std::string(kMaxTlogProofSize, 'a'), 0},
  };
  for (const auto& c : cases) {
    const auto proof = TlogProof::Parse(c.text);
    ASSERT_FALSE(proof.ok()) << c.name;
    EXPECT_EQ(proof.error().code(), ErrorCode::kInvalidArgument) << c.name;
    if (c.line != 0) {
      EXPECT_EQ(proof.error().line(), c.line) << c.name << ": " << proof.error().ToString();
    }
  }
}

}  // namespace
}  // namespace coffer::audit
