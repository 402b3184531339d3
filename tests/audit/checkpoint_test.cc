#include "audit/checkpoint.h"

#include <gtest/gtest.h>

#include "crypto/text_form.h"
#include "tests/crypto/note_vectors.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kRoot = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

TreeHead SomeHead() { return {20852163, DigestFromBase64(kRoot).value()}; }
NoteSigner Log() { return NoteSigner::Create("example.com/behind-the-sofa", KeyFrom(0)).value(); }
NoteCosigner Witness(unsigned number) {
  return NoteCosigner::Create("witness.example/w" + std::to_string(number), KeyFrom(32 * number)).value();
}

LogTrust TrustIn(std::size_t witnesses, std::size_t quorum) {
  LogTrust trust = LogTrust::Of(Log().verifier());
  for (unsigned i = 1; i <= witnesses; ++i) trust.witnesses.push_back(Witness(i).verifier());
  trust.quorum = quorum;
  return trust;
}

SignedNote CosignedBy(std::initializer_list<unsigned> witnesses) {
  SignedNote note = SignCheckpoint(SomeHead(), Log()).value();
  for (const unsigned i : witnesses) note.signatures.push_back(Witness(i).Cosign(note.text, 1000 + i).value());
  return note;
}

// The example of c2sp.org/tlog-checkpoint.
TEST(CheckpointTest, TheExampleOfC2spParses) {
  constexpr std::string_view kText =
      "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  const auto checkpoint = Checkpoint::Parse(kText);
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_EQ(checkpoint->origin, "example.com/behind-the-sofa");
  EXPECT_EQ(checkpoint->head, SomeHead());
  EXPECT_EQ(checkpoint->ToText(), kText);
}

TEST(CheckpointTest, ExtensionLinesAreIgnored) {
  const std::string text = "a b+c\n0\n" + std::string(kRoot) + "\n";
  const auto checkpoint = Checkpoint::Parse(text + "extension\nand another\n");
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_EQ(checkpoint->ToText(), text);
}

TEST(CheckpointTest, SizesUpToTheLimitParse) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, kMaxTreeSize}) {
    const Checkpoint checkpoint = {"log", {size, EmptyRoot()}};
    EXPECT_EQ(Checkpoint::Parse(checkpoint.ToText()).value(), checkpoint);
  }
}

TEST(CheckpointTest, MalformedTextsAreRefused) {
  const std::string root = std::string(kRoot) + "\n";
  const struct {
    const char* name;
    std::string text;
    std::uint64_t line;
  } cases[] = {
      {"empty", "", 0},
      {"no newline", "log\n1\n" + std::string(kRoot), 0},
      {"empty origin", "\n1\n" + root, 1},
      {"origin only", "log\n", 2},
      {"no root", "log\n1\n", 3},
      {"empty root", "log\n1\n\n", 3},
      {"empty size", "log\n\n" + root, 2},
      {"leading zero", "log\n01\n" + root, 2},
      {"negative", "log\n-1\n" + root, 2},
      {"hexadecimal", "log\n0x1\n" + root, 2},
      {"a space behind the size", "log\n1 \n" + root, 2},
      {"above the limit", "log\n4611686018427387905\n" + root, 2},
      {"above 64 bits", "log\n18446744073709551616\n" + root, 2},
      {"root of 31 bytes", "log\n1\n" + ToBase64(Bytes(31)) + "\n", 3},
      {"root of 33 bytes", "log\n1\n" + ToBase64(Bytes(33)) + "\n", 3},
      {"root in hex", "log\n1\n" + ToHex(EmptyRoot()) + "\n", 3},
      {"root without padding", "log\n1\n" + std::string(kRoot.substr(0, 43)) + "\n", 3},
      {"an empty line behind", "log\n1\n" + root + "\n", 4},
      {"an empty extension", "log\n1\n" + root + "a\n\nb\n", 5},
      {"a carriage return", "log\r\n1\n" + root, 0},
      {"not UTF-8", "l\xffg\n1\n" + root, 0},
      {"size and root swapped", "log\n" + root + "1\n", 2},
  };
  for (const auto& c : cases) {
    const auto checkpoint = Checkpoint::Parse(c.text);
    ASSERT_FALSE(checkpoint.ok()) << c.name;
    EXPECT_EQ(checkpoint.error().code(), ErrorCode::kInvalidArgument) << c.name;
    EXPECT_EQ(checkpoint.error().line(), c.line) << c.name;
  }
}

TEST(CheckpointTest, AnOriginThatIsNotOneLineIsNotWritten) {
  EXPECT_DEATH(static_cast<void>(Checkpoint{}.ToText()), "check failed");
  EXPECT_DEATH(static_cast<void>(Checkpoint{"a\nb", {}}.ToText()), "check failed");
}

TEST(OpenCheckpointTest, WhatTheLogSignsOpens) {
  const std::string note = SignCheckpoint(SomeHead(), Log()).value().ToText();
  const auto opened = OpenCheckpoint(note, LogTrust::Of(Log().verifier()));
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->checkpoint, (Checkpoint{"example.com/behind-the-sofa", SomeHead()}));
  EXPECT_TRUE(opened->cosigned.empty());
}

TEST(OpenCheckpointTest, APublicCheckpointOpensWithItsQuorum) {
  LogTrust trust = LogTrust::Of(VerifierOf(kPublicLogKey));
  for (const std::string_view vkey : kPublicWitnessKeys) trust.witnesses.push_back(VerifierOf(vkey));
  trust.quorum = 4;
  const auto opened = OpenCheckpoint(kPublicCheckpoint, trust);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->checkpoint.head.size, 1432088532U);
  ASSERT_EQ(opened->cosigned.size(), 4U);
  EXPECT_EQ(opened->cosigned[2], (Cosigned{"remora.n621.de", kPublicCosignatureTime}));
}

TEST(OpenCheckpointTest, EveryChangedCharacterIsRefusedOrChangesNothing) {
  const LogTrust trust = TrustIn(1, 1);
  const std::string note = CosignedBy({1}).ToText();
  ASSERT_TRUE(OpenCheckpoint(note, trust).ok());
  for (std::size_t i = 0; i < note.size(); ++i) {
    for (const char flip : {'\x01', '\x02', ' '}) {
      std::string changed = note;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      EXPECT_FALSE(OpenCheckpoint(changed, trust).ok()) << i;
    }
  }
}

TEST(OpenCheckpointTest, AQuorumCountsKnownWitnessesOnce) {
  EXPECT_TRUE(OpenCheckpoint(CosignedBy({1, 3}), TrustIn(3, 2)).ok());
  EXPECT_TRUE(OpenCheckpoint(CosignedBy({3, 2, 1}), TrustIn(3, 3)).ok());
  for (const SignedNote& note : {CosignedBy({}), CosignedBy({1}), CosignedBy({1, 1, 1}), CosignedBy({1, 4, 5})}) {
    const auto opened = OpenCheckpoint(note, TrustIn(3, 2));
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), ErrorCode::kIntegrity);
  }
}

TEST(OpenCheckpointTest, WitnessesAloneAreNotEnough) {
  SignedNote note = CosignedBy({1, 2});
  note.signatures.erase(note.signatures.begin());
  EXPECT_EQ(OpenCheckpoint(note, TrustIn(2, 2)).error().code(), ErrorCode::kIntegrity);
}

TEST(OpenCheckpointTest, AnotherOriginOrKeyIsRefused) {
  const SignedNote note = SignCheckpoint(SomeHead(), Log()).value();
  LogTrust other_origin = LogTrust::Of(Log().verifier());
  other_origin.origin = "example.com/behind-the-sofb";
  EXPECT_EQ(OpenCheckpoint(note, other_origin).error().code(), ErrorCode::kIntegrity);
  const NoteSigner other = NoteSigner::Create("example.com/behind-the-sofa", KeyFrom(1)).value();
  EXPECT_EQ(OpenCheckpoint(note, LogTrust::Of(other.verifier())).error().code(), ErrorCode::kIntegrity);
}

TEST(OpenCheckpointTest, OneOfSeveralLogKeysIsEnough) {
  LogTrust trust = LogTrust::Of(NoteSigner::Create("example.com/behind-the-sofa", KeyFrom(9)).value().verifier());
  trust.log_keys.push_back(Log().verifier());
  EXPECT_TRUE(OpenCheckpoint(SignCheckpoint(SomeHead(), Log()).value(), trust).ok());
}

TEST(OpenCheckpointTest, TrustThatNoLogCanMeetIsRefused) {
  const SignedNote note = CosignedBy({1, 2});
  LogTrust no_key = TrustIn(1, 0);
  no_key.log_keys.clear();
  LogTrust witness_as_log = TrustIn(1, 0);
  witness_as_log.log_keys.push_back(Witness(2).verifier());
  LogTrust log_as_witness = TrustIn(1, 0);
  log_as_witness.witnesses.push_back(NoteSigner::Create("w", KeyFrom(200)).value().verifier());
  LogTrust twice = TrustIn(1, 0);
  twice.witnesses.push_back(NoteCosigner::Create("another", KeyFrom(32)).value().verifier());
  LogTrust own_witness = TrustIn(1, 0);
  own_witness.witnesses.push_back(NoteCosigner::Create("w", KeyFrom(0)).value().verifier());
  for (const LogTrust& trust : {no_key, witness_as_log, log_as_witness, twice, own_witness, TrustIn(1, 2)}) {
    const auto opened = OpenCheckpoint(note, trust);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(OpenCheckpointTest, ASignedTextThatIsNoCheckpointIsRefused) {
  SignedNote note;
  note.text = "example.com/behind-the-sofa\n1\n";
  note.signatures = {Log().Sign(note.text).value()};
  EXPECT_EQ(OpenCheckpoint(note, LogTrust::Of(Log().verifier())).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::audit
